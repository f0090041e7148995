import { HeddleError } from "../base/heddle-error.ts";
import type { DeviceId } from "../engine/dataflow/dataflow-types.ts";
import type { Support } from "../execute/device/device-driver.ts";
import type { Seat } from "../execute/seat/seat-types.ts";
import type { Graph, OperatorId, TensorId } from "../graph/ir/graph.ts";
import { readBy } from "../graph/ir/read-by.ts";
import { stageBoundary } from "../graph/program/stage-boundary.ts";
import { globMatches } from "../plan/partition/glob.ts";
import type { RackMachine } from "./rack-machine.ts";
import type { RunnableGraph, Variant } from "./sdk-types.ts";

/** Where variants could run. */
export interface OpenDevices {
  readonly machine: RackMachine;
  /** By device. */
  readonly seats: readonly Seat[];
}

/** A variant on a graph: the operators it stands for, and the devices that run it. */
export interface PlannedVariant {
  readonly variant: Variant;
  readonly operators: readonly OperatorId[];
  readonly devices: readonly DeviceId[];
}

/**
 * The variants that apply to a graph: those whose pattern names operators of it.
 *
 * Errors: `graph-invalid` where the operators are no convex piece, belong to another variant's piece in part, or the variant's inputs and outputs are
 * called otherwise than the piece's; `device-missing`; `stage-unsupported` where no device that is meant runs the variant.
 */
export async function plannedVariants(
  open: OpenDevices,
  graph: RunnableGraph,
  variants: readonly Variant[],
): Promise<readonly PlannedVariant[]> {
  const { operators } = graph.program.graph;
  const planned: PlannedVariant[] = [];
  for (const variant of variants) {
    const group = operators.flatMap(({ name }, id) => (globMatches(variant.operators, name) ? [id] : []));
    if (group.length === 0 || variant.graph === graph) continue;
    checkGroup(graph, variant, group);
    const other = planned.find((one) => one.operators.some((id) => group.includes(id)) && one.operators.join() !== group.join());
    if (other !== undefined) throw invalid(variant, `its operators overlap with those of ${other.variant.name}`);
    planned.push({ variant, operators: group, devices: await devicesFor(open, variant) });
  }
  return planned;
}

async function devicesFor({ machine, seats }: OpenDevices, variant: Variant): Promise<readonly DeviceId[]> {
  const { devices } = machine.rack;
  const meant = devices.flatMap(({ id, kind }, device) => (id === variant.device || kind === variant.device ? [device] : []));
  if (meant.length === 0) {
    throw new HeddleError("device-missing", {
      where: `variant ${variant.name}: ${variant.device}`,
      detail: devices.map(({ id }) => id).join(", "),
    });
  }
  const ids = variant.graph.program.graph.operators.map((_operator, id) => id);
  const supports = await Promise.all(meant.map((device) => seats[device]!.supports(variant.graph.source, ids)));
  const reasonOf = (rows: readonly Support[]): string | undefined => rows.flatMap((row) => (row.ok ? [] : [row.reason]))[0];
  const able = meant.filter((_device, at) => reasonOf(supports[at]!) === undefined);
  if (able.length > 0) return able;
  const reasons = meant.map((device, at) => `${devices[device]!.id}: ${reasonOf(supports[at]!)}`);
  throw new HeddleError("stage-unsupported", { where: `variant ${variant.name}`, detail: reasons.join("; ") });
}

function checkGroup({ program: { graph } }: RunnableGraph, variant: Variant, group: readonly OperatorId[]): void {
  if (!isConvex(graph, group)) throw invalid(variant, "a path leaves its operators and comes back: they are no stage");
  const { inputs, outputs } = stageBoundary(graph, group);
  const own = variant.graph.program.graph;
  const wanted = `${namesOf(graph, inputs)} -> ${namesOf(graph, outputs)}`;
  const got = `${namesOf(own, own.inputs)} -> ${namesOf(own, own.outputs)}`;
  if (wanted !== got) throw invalid(variant, `it must take and give ${wanted}; it has ${got}`);
}

function namesOf({ tensors }: Graph, ids: readonly TensorId[]): string {
  return ids
    .map((id) => tensors[id]!.name)
    .sort()
    .join(", ");
}

function isConvex(graph: Graph, group: readonly OperatorId[]): boolean {
  const inside = new Set(group);
  const made = new Set<TensorId>();
  const after = new Set<TensorId>();
  return graph.operators.every((operator, id) => {
    const reads = readBy(operator);
    const behind = reads.some((tensor) => after.has(tensor));
    const makes = operator.outputs.filter((tensor) => tensor !== undefined);
    if (inside.has(id)) for (const tensor of makes) made.add(tensor);
    else if (behind || reads.some((tensor) => made.has(tensor))) for (const tensor of makes) after.add(tensor);
    return !(inside.has(id) && behind);
  });
}

function invalid({ name }: Variant, detail: string): HeddleError {
  return new HeddleError("graph-invalid", { where: `variant ${name}`, detail });
}
