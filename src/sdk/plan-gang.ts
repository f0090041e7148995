import { bytesOf } from "../base/bytes.ts";
import { HeddleError } from "../base/heddle-error.ts";
import type { DeviceId, OperatorClassId, StageId, VariantSpec } from "../engine/dataflow/dataflow-types.ts";
import type { GangMember } from "../execute/dataflow/stage-work.ts";
import type { Support } from "../execute/device/device-driver.ts";
import { segmentSource } from "../execute/gang/load-rank.ts";
import type { Seat } from "../execute/seat/seat-types.ts";
import type { Bindings } from "../graph/ir/expression.ts";
import type { TensorId } from "../graph/ir/graph.ts";
import { readOnnx } from "../graph/onnx/read-onnx.ts";
import type { GangProgram, GangSegment } from "../graph/program/gang-program.ts";
import { computation, type GraphPlan, type PlannedStage, type PortUse, type StateUse } from "./graph-plan.ts";
import { pinnedOperators } from "./pinned-operators.ts";
import type { RackMachine } from "./rack-machine.ts";
import type { RunnableGraph } from "./sdk-types.ts";

export interface GangPlanRequest {
  readonly graph: RunnableGraph;
  readonly gang: readonly GangMember[];
  readonly machine: RackMachine;
  /** By device: whether it takes a member's segments. */
  readonly supports: readonly Support[];
  readonly pins: Readonly<Record<string, string>>;
  readonly given: Bindings;
  readonly stage: StageId;
  readonly classOf: (text: string) => OperatorClassId;
}

/**
 * A gang as one stage, on every class that has enough devices that take its segments.
 *
 * Nothing is predicted of it before its first run: what collectives take between two devices no rack file says.
 * Errors: `gang-impossible` where no class has so many; `pin-impossible`, `device-missing`.
 */
export function planGang({ graph, gang, machine, supports, pins, given, stage, classOf }: GangPlanRequest): GraphPlan {
  const { operators } = graph.program.graph;
  const classes = new Set(machine.classOf);
  const able = (deviceClass: number): DeviceId[] =>
    machine.classOf.flatMap((one, device) => (one === deviceClass && supports[device]!.ok ? [device] : []));
  const perRank = supports.map((support) => operators.map(() => support));
  const pinned = pinnedOperators(operators, pins, { machine, supports: perRank }).map((devices) => devices?.[0]);
  const members = pinned.some((device) => device !== undefined) ? pinnedMembers(graph, pinned, { machine, able }) : undefined;
  const suited = [...classes].filter((one) =>
    members === undefined ? able(one).length >= gang.length : one === machine.classOf[members[0]!],
  );
  if (suited.length === 0) throw tooFew(graph, gang.length, { machine, supports });
  const weightBytes = Math.max(...gang.map(({ program }) => weightsOf(program)));
  const name = `${graph.name}[rank.0 … rank.${gang.length - 1}]`;
  const variants = suited.map((one): VariantSpec => ({ class: one, weightBytes, ...machine.loading[one]! }));
  const planned: PlannedStage = {
    ...usesOf(graph),
    id: stage,
    name,
    operators: operators.map((_operator, id) => id),
    gang: gang.length,
    pinnedTo: members,
    refusals: supports.map((support) => (support.ok ? undefined : support.reason)),
    priors: machine.figures.map(() => undefined),
  };
  const computes = [gang.length, ...distinctSegments(gang[0]!.program).map(({ text }) => text)].join("|");
  return {
    graph,
    stages: [planned],
    specs: [{ stage, operator: classOf(`gang ${computes}`), variants }],
    works: [{ stage, name, recipes: [], gang }],
    sizes: given,
    workAt: () => [1],
  };
}

/** What a member reads and makes alone is bound to it; logits come from member 0, and all members read what the caller gives. */
function usesOf({ program: { graph }, states }: RunnableGraph): Pick<PlannedStage, "uses" | "states"> {
  const uses: PortUse[] = [];
  const stateUses: StateUse[] = [];
  const note = (tensor: TensorId, mode: "read" | "write", end: "input" | "output", members: readonly number[]): void => {
    const port = graph.tensors[tensor]!.name;
    const member = members.length === 1 ? { member: members[0]! } : {};
    uses.push({ port, tensor, mode, ...member });
    const state = states.findIndex((one) => one[end] === port);
    if (state !== -1) stateUses.push({ port, tensor, state, mode: mode === "read" ? "read" : states[state]!.access, ...member });
  };
  const usersOf = (tensor: TensorId, end: "inputs" | "outputs"): number[] =>
    graph.operators.flatMap((operator, rank) => (operator[end].includes(tensor) ? [rank] : []));
  for (const tensor of graph.inputs) note(tensor, "read", "input", usersOf(tensor, "inputs"));
  for (const tensor of graph.outputs) note(tensor, "write", "output", usersOf(tensor, "outputs"));
  return { uses, states: stateUses };
}

interface Devices {
  readonly machine: RackMachine;
  readonly able: (deviceClass: number) => DeviceId[];
}

/** The members where pins name some: the others are the first devices like them that nobody names. */
function pinnedMembers(graph: RunnableGraph, pinned: readonly (DeviceId | undefined)[], { machine, able }: Devices): readonly DeviceId[] {
  const { devices } = machine.rack;
  const { operators } = graph.program.graph;
  const named = pinned.flatMap((device, rank) => (device === undefined ? [] : [{ device, rank }]));
  const [first] = named;
  const impossible = (rank: number, device: DeviceId, detail: string): HeddleError =>
    new HeddleError("pin-impossible", { where: `${operators[rank]!.name}=${devices[device]!.id}`, detail });
  for (const [at, { device, rank }] of named.entries()) {
    const other = named.slice(0, at).find((one) => one.device === device);
    if (other !== undefined) throw impossible(rank, device, `${operators[other.rank]!.name} is there; every rank has a device of its own`);
    if (machine.classOf[device] !== machine.classOf[first!.device])
      throw impossible(rank, device, `the devices of a gang are alike; it is not like ${devices[first!.device]!.id}`);
  }
  const rest = able(machine.classOf[first!.device]!).filter((device) => !named.some((one) => one.device === device));
  return pinned.map((device, rank) => {
    const member = device ?? rest.shift();
    if (member !== undefined) return member;
    throw impossible(first!.rank, first!.device, `there is no device like it left for ${operators[rank]!.name}`);
  });
}

function tooFew(
  graph: RunnableGraph,
  size: number,
  { machine, supports }: { readonly machine: RackMachine; readonly supports: readonly Support[] },
): HeddleError {
  const { devices } = machine.rack;
  const alike = [...new Set(machine.classOf)].map((one) =>
    devices.flatMap(({ id }, device) => (machine.classOf[device] === one ? [nameOf(id, supports[device]!)] : [])).join(", "),
  );
  return new HeddleError("gang-impossible", {
    where: graph.name,
    detail: `${size} devices that are alike are needed; alike are: ${alike.join("; ")}`,
  });
}

function nameOf(id: string, support: Support): string {
  return support.ok ? id : `${id} (cannot: ${support.reason})`;
}

function weightsOf({ steps }: GangProgram): number {
  let bytes = 0;
  for (const step of steps) if (step.type === "segment") for (const { data } of step.model.weights) bytes += data.byteLength;
  return bytes;
}

/** Whether a device takes the segments of a gang's members, which differ in weights alone; segments that are alike are asked once. */
export async function gangSupport(seat: Seat, [first]: readonly GangMember[]): Promise<Support> {
  for (const { segment, operators } of distinctSegments(first!.program)) {
    const rows = await seat.supports(segmentSource(segment), operators);
    const refused = rows.find(({ ok }) => !ok);
    if (refused?.ok === false) return { ok: false, reason: `${segment.name}: ${refused.reason}` };
  }
  return { ok: true };
}

function distinctSegments({ steps }: GangProgram): readonly { segment: GangSegment; operators: readonly number[]; text: string }[] {
  const known = new Map<string, { segment: GangSegment; operators: readonly number[]; text: string }>();
  for (const segment of steps) {
    if (segment.type !== "segment") continue;
    const { graph } = readOnnx(bytesOf(segment.model.model));
    const operators = graph.operators.map((_operator, id) => id);
    const text = computation(graph, operators);
    if (!known.has(text)) known.set(text, { segment, operators, text });
  }
  return [...known.values()];
}
