import { assert, must } from "../base/assert.ts";
import { HeddleError } from "../base/heddle-error.ts";
import type { HandleId, StageSpec } from "../engine/dataflow/dataflow-types.ts";
import { tensorBytes } from "../execute/dataflow/tensor-rows.ts";
import type { ExpectedTensor } from "./bind-sizes.ts";
import { copyGraph, sumGraph } from "./helper-graphs.ts";
import { planFor } from "./plan-for-run.ts";
import type { GraphState, RackState, RunnableGraph, Tensor } from "./sdk-types.ts";
import { inOrder, internedIn, newHandle, releaseHandle, type Session, stageWithPorts, tell } from "./session.ts";
import { zeros } from "./tensor.ts";

/** A graph's states for one sequence, as the session knows them. */
export interface StateRecord {
  readonly name: string;
  readonly graph: RunnableGraph;
  /** By the graph's states. */
  readonly parts: StatePart[];
  released: boolean;
  /** Why it cannot be used any more. */
  failure: HeddleError | undefined;
}

export interface StatePart {
  readonly spec: GraphState;
  readonly handle: HandleId;
  /** After everything submitted so far. */
  expected: ExpectedTensor;
  bytesMax: number;
}

export type StateOptions = { readonly name?: string; readonly initial?: Readonly<Record<string, Tensor>> };

/** Declares the states of a graph for one sequence. Errors: `input-invalid` where what they begin with does not fit. */
export function createState(session: Session, graph: RunnableGraph, { name = graph.name, initial = {} }: StateOptions): StateRecord {
  const unknown = Object.keys(initial).find((one) => !graph.states.some((state) => state.name === one));
  if (unknown !== undefined)
    throw new HeddleError("input-invalid", {
      where: `${graph.name}, state ${unknown}`,
      detail: `its states are ${graph.states.map((state) => state.name).join(", ") || "none"}`,
    });
  const values = graph.states.map((spec) => initialValue(graph, spec, initial[spec.name]));
  const parts = graph.states.map((spec, i): StatePart => {
    const { type, dims } = values[i]!;
    return { spec, handle: newHandle(session, `${name}/${spec.name}`), expected: { type, dims }, bytesMax: tensorBytes(values[i]!) };
  });
  const record: StateRecord = { name, graph, parts, released: false, failure: undefined };
  void inOrder(session, async () => {
    for (const [i, { spec, handle }] of parts.entries()) {
      const combine = spec.access === "reduce" ? await helperStage(session, "sum", values[i]!) : undefined;
      tell(
        session,
        combine === undefined ? { type: "handle-declared", handle } : { type: "handle-declared", handle, combine: combine.stage },
      );
      session.executor.put(handle, values[i]!, spec.capacity);
    }
  }).catch((error: HeddleError) => {
    record.failure = error;
  });
  return record;
}

function initialValue(graph: RunnableGraph, { name, type, dims, access, capacity }: GraphState, given: Tensor | undefined): Tensor {
  if (given === undefined) return zeros(type, dims);
  const rows = access === "append" ? 1 : 0;
  const fits =
    given.type === type && given.dims.length === dims.length && given.dims.every((size, axis) => axis < rows || dims[axis] === size);
  const room = capacity === undefined || access !== "append" || given.dims[0]! <= capacity;
  if (fits && room) return given;
  throw new HeddleError("input-invalid", {
    where: `${graph.name}, state ${name}`,
    detail: `wants ${type} [${access === "append" ? `up to ${capacity ?? "any"} rows, ${dims.slice(1).join(", ")}` : dims.join(", ")}], got ${given.type} [${given.dims.join(", ")}]`,
  });
}

/** A stage of a helper graph, declared once. */
export function helperStage(session: Session, what: "copy" | "sum", { type, dims }: Pick<Tensor, "type" | "dims">): Promise<StageSpec> {
  const key = `${what} ${type} ${dims.length}`;
  const known = session.helpers.get(key) ?? makeHelper(session, what, { type, dims });
  session.helpers.set(key, known);
  return known;
}

async function makeHelper(session: Session, what: "copy" | "sum", { type, dims }: Pick<Tensor, "type" | "dims">): Promise<StageSpec> {
  const graph = what === "copy" ? copyGraph(type, dims.length) : sumGraph(type, dims.length);
  const plan = await planFor(session, graph, { pins: {}, given: {} });
  const spec = must(plan.specs[0], "a helper is one stage");
  const { stage } = spec;
  if (what === "sum")
    session.stages.set(stage, { ...must(session.stages.get(stage), "a stage that was planned"), combines: ["a", "b", "sum"] });
  return spec;
}

/** A state of its own with the same content. */
export function forkState(session: Session, from: StateRecord, name: string): StateRecord {
  check(from);
  const parts = from.parts.map((part): StatePart => ({ ...part, handle: newHandle(session, `${name}/${part.spec.name}`) }));
  const record: StateRecord = { ...from, name, parts, released: false };
  void inOrder(session, async () => {
    for (const [i, { spec, handle }] of parts.entries()) {
      const source = from.parts[i]!;
      parts[i] = { ...parts[i]!, expected: source.expected, bytesMax: source.bytesMax };
      const value = { type: spec.type, dims: spec.dims };
      const copy = await helperStage(session, "copy", value);
      const combine = spec.access === "reduce" ? await helperStage(session, "sum", value) : undefined;
      tell(
        session,
        combine === undefined ? { type: "handle-declared", handle } : { type: "handle-declared", handle, combine: combine.stage },
      );
      const task = session.next.task++;
      session.tasks.set(task, { run: undefined, stage: `copy of ${source.spec.name}` });
      const stage = stageWithPorts(session, copy, { ports: ["x", "y"], capacities: [spec.capacity, spec.capacity] });
      const accesses = [
        { handle: source.handle, mode: "read" as const },
        { handle, mode: "write" as const, bytes: source.bytesMax },
      ];
      const footprint = internedIn(session.footprints, `copy ${source.bytesMax}`);
      tell(session, { type: "submitted", first: task, tasks: [{ stage, accesses, footprint }] });
    }
  }).catch((error: HeddleError) => {
    record.failure = error;
  });
  return record;
}

export function check({ released, failure, name }: StateRecord): void {
  assert(!released, "a state is not used after its release", { state: name });
  if (failure !== undefined) throw failure;
}

/** The state as callers see it. */
export function rackState(session: Session, records: WeakMap<RackState, StateRecord>, record: StateRecord): RackState {
  const state: RackState = {
    name: record.name,
    read: async (name) => {
      check(record);
      const part =
        record.parts.find(({ spec }) => spec.name === name) ??
        (name === undefined && record.parts.length === 1 ? record.parts[0] : undefined);
      if (part === undefined)
        throw new HeddleError("input-invalid", {
          where: `state ${String(name)}`,
          detail: `there are ${record.parts.map(({ spec }) => spec.name).join(", ")}`,
        });
      const { value } = await inOrder(session, () => ({ value: session.executor.fetch(part.handle) }));
      return value;
    },
    fork: () => rackState(session, records, forkState(session, record, `${record.name}'`)),
    release: () => {
      check(record);
      record.released = true;
      void inOrder(session, () => {
        for (const { handle } of record.parts) {
          releaseHandle(session, handle);
          session.names.delete(handle);
        }
      }).catch(() => undefined);
    },
  };
  records.set(state, record);
  return state;
}
