import { assert, must } from "../base/assert.ts";
import { HeddleError } from "../base/heddle-error.ts";
import type { DataflowEvent, HandleId, OperatorClassId, StageId, StageSpec, TaskId } from "../engine/dataflow/dataflow-types.ts";
import type { DataflowExecutor } from "../execute/dataflow/executor.ts";
import type { StageWork, TaskPorts } from "../execute/dataflow/stage-work.ts";
import type { Seat } from "../execute/seat/seat-types.ts";
import type { GraphPlan } from "./graph-plan.ts";
import type { RackMachine } from "./rack-machine.ts";
import type { RunRecord } from "./run-record.ts";
import type { Output, RunnableGraph, Variant } from "./sdk-types.ts";

/** A task of the client: whose it is, and what to call it. */
export interface ClientTask {
  readonly run: RunRecord | undefined;
  readonly stage: string;
}

/** What an open rack knows. Everything that changes the engine goes through `inOrder`, in the order of the caller's calls. */
export interface Session {
  readonly machine: RackMachine;
  /** By device; a seat that was opened again takes its place. */
  readonly seats: Seat[];
  readonly executor: DataflowExecutor;
  readonly stages: Map<StageId, StageWork>;
  readonly classes: Map<string, OperatorClassId>;
  /** Until the client was told of their end. */
  readonly tasks: Map<TaskId, ClientTask>;
  /** Stages by what they are made from and what their tasks' accesses are called. */
  readonly portStages: Map<string, StageId>;
  /** The planned stage that each of those runs. */
  readonly origins: Map<StageId, StageId>;
  readonly plans: Map<RunnableGraph, Map<string, Promise<GraphPlan>>>;
  readonly variants: readonly Variant[];
  /** Plans in the order they were made. */
  readonly made: GraphPlan[];
  /** Graphs of this session's own: copies and sums, by name. */
  readonly helpers: Map<string, Promise<StageSpec>>;
  /** What a handle is, for people: `resnet#3 x`. */
  readonly names: Map<HandleId, string>;
  /** Runs whose tasks have not all ended. */
  readonly runs: Map<number, RunRecord>;
  readonly outputs: WeakMap<Output, OutputPlace>;
  readonly next: { handle: HandleId; task: TaskId; stage: StageId; run: number; footprint: number };
  readonly footprints: Map<string, number>;
  /** The last thing asked for in order. */
  tail: Promise<unknown>;
  broken: HeddleError | undefined;
  closed: boolean;
}

/** Where an output of a run is. */
export interface OutputPlace {
  readonly handle: HandleId;
  readonly run: RunRecord;
  released: boolean;
  /** All that was asked for before the release has been submitted. */
  freed: boolean;
}

/** Does something when all that was asked for before has been done. Errors: `cancelled` once the rack is closed. */
export function inOrder<T>(session: Session, action: () => Promise<T> | T): Promise<T> {
  const done = session.tail.then(() => {
    checkOpen(session);
    return action();
  });
  session.tail = done.catch(() => undefined);
  return done;
}

export function checkOpen({ closed, broken }: Session): void {
  if (broken !== undefined) throw broken;
  if (closed) throw new HeddleError("cancelled", { where: "the rack is closed" });
}

export function newHandle({ next, names }: Session, name: string): HandleId {
  const handle = next.handle++;
  names.set(handle, name);
  return handle;
}

export function tell({ executor }: Session, event: DataflowEvent): void {
  executor.dispatch(event);
}

/** A handle nobody will name again. */
export function releaseHandle(session: Session, handle: HandleId): void {
  if (session.closed) return;
  tell(session, { type: "handle-released", handle });
}

/** Where an output lies. Errors: `input-invalid` for an output of another rack or one that was released. */
export function placeOf(session: Session, output: Output): OutputPlace {
  const place = session.outputs.get(output);
  if (place === undefined) throw new HeddleError("input-invalid", { where: output.name, detail: "it is an output of another rack" });
  if (place.freed) throw new HeddleError("input-invalid", { where: output.name, detail: "it was released" });
  return place;
}

/** The number of a text, the same each time. */
export function internedIn(map: Map<string, number>, text: string): number {
  const known = map.get(text) ?? map.size;
  map.set(text, known);
  return known;
}

/** The stage for tasks whose accesses are called so: it runs what a planned stage runs. Few are ever needed: with and without a state. */
export function stageWithPorts(session: Session, spec: StageSpec, ports: TaskPorts): StageId {
  const { portStages, origins, stages, next } = session;
  const key = JSON.stringify([spec.stage, ports]);
  const known = portStages.get(key);
  if (known !== undefined) return known;
  const stage = next.stage++;
  portStages.set(key, stage);
  origins.set(stage, spec.stage);
  stages.set(stage, { ...must(stages.get(spec.stage), "a stage that was planned is known"), stage, ports });
  tell(session, { type: "stage-declared", stage: { ...spec, stage } });
  return stage;
}

/** A run's number is never used again. */
export function newRunId({ next, runs }: Session): number {
  const run = next.run++;
  assert(!runs.has(run), "a run has a number of its own");
  return run;
}
