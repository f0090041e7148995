import type { Support } from "../execute/device/device-driver.ts";
import type { Bindings } from "../graph/ir/expression.ts";
import { type GraphPlan, planGraph } from "./graph-plan.ts";
import { plannedVariants } from "./planned-variants.ts";
import type { RunnableGraph } from "./sdk-types.ts";
import { internedIn, type Session, tell } from "./session.ts";

const YES: Support = { ok: true };

/** The stages of a graph under pins, cut once; the engine is told of them. Errors: those of `planGraph`; those of the seats. */
export function planFor(
  session: Session,
  graph: RunnableGraph,
  options: { readonly pins: Readonly<Record<string, string>>; readonly given: Bindings },
): Promise<GraphPlan> {
  const key = JSON.stringify(Object.entries(options.pins).sort());
  const plans = session.plans.get(graph) ?? new Map<string, Promise<GraphPlan>>();
  session.plans.set(graph, plans);
  const known = plans.get(key);
  if (known !== undefined) return known;
  const made = makePlan(session, graph, options);
  plans.set(key, made);
  // What failed may go well with other inputs, or when a device is back.
  made.catch(() => plans.delete(key));
  return made;
}

async function makePlan(
  session: Session,
  graph: RunnableGraph,
  { pins, given }: { readonly pins: Readonly<Record<string, string>>; readonly given: Bindings },
): Promise<GraphPlan> {
  const ids = graph.program.graph.operators.map((_operator, id) => id);
  const ownSupports = await Promise.all(session.seats.map((seat) => seat.supports(graph.source, ids)));
  const variants = await plannedVariants(session, graph, session.variants);
  const supports = ownSupports.map((rows, device) =>
    rows.map((row, id) => (variants.some((one) => one.devices.includes(device) && one.operators.includes(id)) ? YES : row)),
  );
  const { machine, classes, next, stages } = session;
  const plan = planGraph({
    graph,
    machine,
    supports,
    ownSupports,
    variants,
    pins,
    given,
    firstStage: next.stage,
    classOf: (text) => internedIn(classes, text),
  });
  next.stage += plan.stages.length;
  for (const work of plan.works) stages.set(work.stage, work);
  for (const stage of plan.specs) tell(session, { type: "stage-declared", stage });
  session.made.push(plan);
  return plan;
}
