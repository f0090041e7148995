import type { GangMember } from "../execute/dataflow/stage-work.ts";
import type { Support } from "../execute/device/device-driver.ts";
import type { Bindings } from "../graph/ir/expression.ts";
import { type GraphPlan, planGraph } from "./graph-plan.ts";
import { gangSupport, planGang } from "./plan-gang.ts";
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
  if (graph.gang !== undefined) return makeGangPlan(session, graph, { gang: graph.gang, pins, given });
  const ids = graph.program.graph.operators.map((_operator, id) => id);
  const ownSupports = await Promise.all(session.seats.map((seat) => seat.supports(graph.source, ids)));
  const variants = await plannedVariants(session, graph, session.variants);
  const supports = ownSupports.map((rows, device) =>
    rows.map((row, id) => (variants.some((one) => one.devices.includes(device) && one.operators.includes(id)) ? YES : row)),
  );
  const { machine, classes, next } = session;
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
  return declared(session, plan);
}

async function makeGangPlan(
  session: Session,
  graph: RunnableGraph,
  { gang, ...options }: { readonly gang: readonly GangMember[]; readonly pins: Readonly<Record<string, string>>; readonly given: Bindings },
): Promise<GraphPlan> {
  const { machine, classes, next } = session;
  const supports = await Promise.all(session.seats.map((seat) => gangSupport(seat, gang)));
  return declared(
    session,
    planGang({ graph, gang, machine, supports, ...options, stage: next.stage, classOf: (text) => internedIn(classes, text) }),
  );
}

/** Tells the engine of a plan's stages. */
function declared(session: Session, plan: GraphPlan): GraphPlan {
  const { next, stages } = session;
  next.stage += plan.stages.length;
  for (const work of plan.works) stages.set(work.stage, work);
  for (const stage of plan.specs) tell(session, { type: "stage-declared", stage });
  session.made.push(plan);
  return plan;
}
