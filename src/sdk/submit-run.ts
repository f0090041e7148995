import { HeddleError } from "../base/heddle-error.ts";
import type { AccessSpec, HandleId, TaskSpec } from "../engine/dataflow/dataflow-types.ts";
import type { TaskPorts } from "../execute/dataflow/stage-work.ts";
import { elementBytes, tensorBytes } from "../execute/dataflow/tensor-rows.ts";
import { isTensorType } from "../execute/device/array-types.ts";
import type { HostTensor } from "../execute/device/tensor.ts";
import type { Bindings } from "../graph/ir/expression.ts";
import type { TensorId } from "../graph/ir/graph.ts";
import { bindSizes, type ExpectedTensor, expectedDims } from "./bind-sizes.ts";
import type { GraphPlan, PlannedStage } from "./graph-plan.ts";
import { planFor } from "./plan-for-run.ts";
import type { StatePart, StateRecord } from "./rack-states.ts";
import { check } from "./rack-states.ts";
import type { RunRecord } from "./run-record.ts";
import type { Input, Inputs, Output, RunnableGraph } from "./sdk-types.ts";
import { internedIn, newHandle, placeOf, releaseHandle, type Session, stageWithPorts, tell } from "./session.ts";

export interface SubmitRequest {
  readonly graph: RunnableGraph;
  readonly inputs: Inputs;
  readonly run: RunRecord;
  readonly state: StateRecord | undefined;
  readonly priority: number;
  readonly pins: Readonly<Record<string, string>>;
}

/** Most bytes an output may have whose size only the run tells. */
const OPEN_BYTES = 64 * 2 ** 20;
/** Sizes up to this are told apart in histories; larger ones by their power of two. */
const FINE_SIZE = 8;

interface Bound {
  readonly handle: HandleId;
  readonly expected: ExpectedTensor;
  /** The handle is of this run alone. */
  readonly own: boolean;
}

/**
 * Gives a run's tasks to the engine: a handle for every tensor between stages, an access for every port.
 *
 * Errors: `input-invalid` for inputs that are missing, unknown or do not fit; those of the plan.
 */
export async function submitRun(session: Session, request: SubmitRequest): Promise<void> {
  const { graph, run, state, pins, priority } = request;
  if (state !== undefined) check(state);
  const given = givenTensors(session, request);
  const sizes = bindSizes(graph.program.graph, new Map([...given].map(([id, { expected }]) => [id, expected])));
  const plan = await planFor(session, graph, { pins, given: sizes });
  const bound = new Map<TensorId, Bound>();
  for (const [id, value] of given) bound.set(id, boundInput(session, run, id, { graph, value }));
  const { tensors } = graph.program.graph;
  const makes = (id: TensorId): Bound => {
    const { name, type, shape } = tensors[id]!;
    const known = bound.get(id);
    if (known !== undefined) return known;
    if (!isTensorType(type))
      throw new HeddleError("graph-invalid", {
        where: `${graph.name}, ${name}`,
        detail: `tensors of ${type} are not passed between devices`,
      });
    const output = run.outputs.get(name);
    const handle = output?.handle ?? newHandle(session, `${graph.name}#${run.id} ${name}`);
    tell(session, { type: "handle-declared", handle });
    const made = { handle, expected: { type, dims: expectedDims(shape, sizes) }, own: output === undefined };
    if (output !== undefined) output.expected = made.expected;
    bound.set(id, made);
    return made;
  };
  const work = plan.workAt(sizes);
  const footprint = footprintOf(
    session,
    [...given.values()].map(({ expected }) => expected),
  );
  const wanted = wantedTensors(plan, state !== undefined, new Set(run.outputs.keys()));
  const specs = plan.stages.map((stage, at) => {
    const { accesses, ports } = accessesOf(stage, { plan, state, makes, wanted, sizes });
    const pinned = stage.pinnedTo === undefined ? {} : { devices: stage.pinnedTo };
    const id = stageWithPorts(session, plan.specs[at]!, ports);
    const gang = stage.gang === undefined ? {} : { gang: stage.gang };
    return { stage, spec: { stage: id, accesses, priority, footprint, work: work[at]!, ...pinned, ...gang } };
  });
  enqueue(session, run, specs);
  for (const { handle, own } of bound.values()) {
    if (!own) continue;
    run.handles.push(handle);
    releaseHandle(session, handle);
  }
}

type GivenTensor = { readonly expected: ExpectedTensor } & (
  | { readonly value: HostTensor }
  | { readonly output: Output }
  | { readonly part: StatePart }
);

/** What each input of the graph gets: the caller's tensor or output, or the state's content. */
function givenTensors(session: Session, { graph, inputs, state }: SubmitRequest): Map<TensorId, GivenTensor> {
  const { tensors, inputs: ids } = graph.program.graph;
  const given = new Map<TensorId, GivenTensor>();
  for (const id of ids) {
    const { name } = tensors[id]!;
    const part = state?.parts.find(({ spec }) => spec.input === name);
    const input = inputs[name];
    if (part !== undefined && input !== undefined)
      throw new HeddleError("input-invalid", { where: `${graph.name}, ${name}`, detail: "the state gives it" });
    if (part !== undefined) given.set(id, { part, expected: part.expected });
    else if (input !== undefined)
      given.set(id, isOutput(input) ? { output: input, expected: expectedOf(session, input) } : { value: input, expected: input });
    else throw new HeddleError("input-invalid", { where: `${graph.name}, ${name}`, detail: "it is not given" });
  }
  const names = ids.map((id) => tensors[id]!.name);
  const unknown = Object.keys(inputs).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new HeddleError("input-invalid", { where: `${graph.name}, ${unknown}`, detail: `its inputs are ${names.join(", ")}` });
  return given;
}

export function isOutput(input: Input): input is Output {
  return "run" in input;
}

function expectedOf(session: Session, output: Output): ExpectedTensor {
  const { run } = placeOf(session, output);
  const expected = run.outputs.get(output.name)?.expected;
  if (expected === undefined)
    throw run.failure ?? new HeddleError("input-invalid", { where: output.name, detail: "the run it comes from was not submitted" });
  return expected;
}

function boundInput(
  session: Session,
  run: RunRecord,
  id: TensorId,
  { graph, value }: { readonly graph: RunnableGraph; readonly value: GivenTensor },
): Bound {
  const { expected } = value;
  if ("part" in value) return { handle: value.part.handle, expected, own: false };
  if ("output" in value) return { handle: placeOf(session, value.output).handle, expected, own: false };
  const handle = newHandle(session, `${graph.name}#${run.id} ${graph.program.graph.tensors[id]!.name}`);
  tell(session, { type: "handle-declared", handle });
  session.executor.put(handle, value.value);
  return { handle, expected, own: true };
}

/** Tensors that a stage must hand over besides to states: those other stages read, and the caller's outputs. */
function wantedTensors({ stages, graph }: GraphPlan, withState: boolean, outputs: ReadonlySet<string>): ReadonlySet<TensorId> {
  const read = stages.flatMap(({ uses }) => uses.filter(({ mode }) => mode === "read").map(({ tensor }) => tensor));
  const own = graph.program.graph.outputs.filter((id) => !withState || outputs.has(graph.program.graph.tensors[id]!.name));
  return new Set([...read, ...own]);
}

interface AccessRequest {
  readonly plan: GraphPlan;
  readonly state: StateRecord | undefined;
  readonly makes: (id: TensorId) => Bound;
  readonly wanted: ReadonlySet<TensorId>;
  readonly sizes: Bindings;
}

/** A stage's accesses in this run. States grow by what is expected, so that the next run knows their sizes. */
function accessesOf(
  stage: PlannedStage,
  { plan, state, makes, wanted, sizes }: AccessRequest,
): { readonly accesses: readonly AccessSpec[]; readonly ports: TaskPorts } {
  const accesses: AccessSpec[] = [];
  const ports: string[] = [];
  const capacities: (number | undefined)[] = [];
  const add = (port: string, access: AccessSpec, capacity?: number): void => {
    accesses.push(access);
    ports.push(port);
    capacities.push(capacity);
  };
  for (const { port, tensor, mode, ...at } of stage.uses) {
    const use = mode === "write" ? stage.states.find((one) => one.tensor === tensor && one.mode !== "read") : undefined;
    const part = use === undefined ? undefined : state?.parts[use.state];
    if (mode === "read") {
      const capacity = state?.parts.find(({ spec }) => spec.input === port)?.spec.capacity;
      add(port, { handle: makes(tensor).handle, mode, ...at }, capacity);
    } else if (part === undefined || wanted.has(tensor)) {
      const { handle, expected } = makes(tensor);
      add(port, { handle, mode, bytes: bytesMaxOf(expected), ...at });
    }
    if (part === undefined || use === undefined) continue;
    const { type, shape } = plan.graph.program.graph.tensors[tensor]!;
    const rows = { type: part.spec.type, dims: expectedDims(shape, sizes) };
    if (type !== part.spec.type)
      throw new HeddleError("graph-invalid", {
        where: `${plan.graph.name}, state ${part.spec.name}`,
        detail: `${type} does not go into ${part.spec.type}`,
      });
    const changes = use.mode as "append" | "write" | "reduce";
    add(port, { handle: part.handle, mode: changes, bytes: bytesMaxOf(rows), ...at }, part.spec.capacity);
    grow(part, use.mode, rows);
  }
  return { accesses, ports: { ports, capacities } };
}

function grow(part: StatePart, mode: string, made: ExpectedTensor): void {
  const bytes = bytesMaxOf(made);
  if (mode === "append") {
    const [rows, ...row] = part.expected.dims ?? [];
    const more = made.dims?.[0];
    part.expected = { type: part.expected.type, dims: [rows === undefined || more === undefined ? undefined : rows + more, ...row] };
    part.bytesMax += bytes;
  } else if (mode === "write") {
    part.expected = made;
    part.bytesMax = bytes;
  }
}

function bytesMaxOf({ type, dims }: ExpectedTensor): number {
  if (dims === undefined || dims.includes(undefined)) return OPEN_BYTES;
  return tensorBytes({ type, dims: dims as readonly number[] });
}

function footprintOf({ footprints }: Session, inputs: readonly ExpectedTensor[]): number {
  const sizes = inputs.map(
    ({ type, dims }) => `${elementBytes(type)}[${dims?.map((size) => (size === undefined ? "?" : coarse(size))).join() ?? "?"}]`,
  );
  return internedIn(footprints, sizes.join(";"));
}

/** The next power of two. */
function coarse(size: number): number {
  let power = FINE_SIZE;
  if (size <= power) return size;
  while (power < size) power *= 2;
  return power;
}

interface Ready {
  readonly stage: PlannedStage;
  readonly spec: TaskSpec;
}

function enqueue(session: Session, run: RunRecord, ready: readonly Ready[]): void {
  const first = session.next.task;
  session.next.task += ready.length;
  run.tasks = new Set();
  for (const [i, { stage }] of ready.entries()) {
    session.tasks.set(first + i, { run, stage: stage.name });
    run.tasks.add(first + i);
  }
  tell(session, { type: "submitted", first, tasks: ready.map(({ spec }) => spec) });
}
