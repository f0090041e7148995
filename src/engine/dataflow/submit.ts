import { must } from "../../base/assert.ts";
import { handleOf, overwrite, resolveAccesses } from "./accesses.ts";
import { refusalOf } from "./check-tasks.ts";
import { BLOCKED, type DataflowState, NONE, type Task, type Use } from "./dataflow-state.ts";
import type { HandleId, StageSpec, TaskId, TaskSpec, TemplateId } from "./dataflow-types.ts";
import { type Flow, valueBy } from "./flow.ts";
import { typicalNs } from "./histories.ts";
import { raiseRanks } from "./ranks.ts";
import { makeReady } from "./ready.ts";
import { scheduleWhole } from "./schedule-whole.ts";
import { addReader, createStorage, createValue } from "./values.ts";

interface Batch {
  readonly tasks: readonly TaskSpec[];
  readonly template: TemplateId;
  /** Its tasks go where the template says. */
  readonly replayed: boolean;
}

/** Takes a batch as a whole, or refuses it as a whole. */
export function submit(flow: Flow, first: TaskId, given: Batch): boolean {
  const { state } = flow;
  const { tasks } = given;
  const refusal = refusalOf(flow, first, tasks);
  if (refusal !== undefined) {
    flow.commands.push({ type: "rejected", first, refusal });
    if (refusal.code === "backlog-full") setAccepting(flow, false);
    return false;
  }
  acceptTasks(flow, first, given);
  if (state.pending >= flow.config.limits.pendingMax) setAccepting(flow, false);
  return true;
}

function acceptTasks(flow: Flow, first: TaskId, given: Batch): void {
  const { tasks, template, replayed } = given;
  const made: Task[] = [];
  for (let i = 0; i < tasks.length; i++) {
    const spec = tasks[i]!;
    const id = first + i;
    const uses = resolveAccesses(flow, spec.accesses, { task: id, combine: (handle) => combineNow(flow, handle, made) });
    made.push(createTask(flow, { id, spec, uses, template, templateIndex: template === NONE ? NONE : i, replayed }));
    flow.state.pending++;
    for (const { handle, mode } of spec.accesses) {
      if (mode === "reduce" && handleOf(flow, handle).contributions.length >= contributionsMax(flow, handle))
        combineNow(flow, handle, made);
    }
  }
  if (!replayed) {
    raiseRanks(flow, made);
    scheduleWhole(flow, made);
  }
  for (const task of made) if (task.waits === 0 && task.status === BLOCKED) makeReady(flow, task.id);
}

export function setAccepting(flow: Flow, accepting: boolean): void {
  if (flow.state.accepting === accepting) return;
  flow.state.accepting = accepting;
  flow.commands.push({ type: "accepting", accepting });
}

/** A handle's contributions as one value, before anything else looks at it. */
export function combine(flow: Flow, handle: HandleId): void {
  const made: Task[] = [];
  combineNow(flow, handle, made);
  raiseRanks(flow, made);
  for (const task of made) if (task.waits === 0) makeReady(flow, task.id);
}

function combineNow(flow: Flow, id: HandleId, made: Task[]): void {
  const handle = handleOf(flow, id);
  if (handle.contributions.length === 0) return;
  const { state } = flow;
  const task = state.next.engineTask--;
  const inputs = [...(handle.current === NONE ? [] : [handle.current]), ...handle.contributions];
  const bytes = Math.max(...inputs.map((value) => valueBy(flow, value).bytes));
  for (const input of inputs) addReader(flow, valueBy(flow, input));
  const value = createValue(flow, createStorage(flow, id), { version: 0, bytes, producer: task });
  const old = handle.current;
  const uses = inputs.map((input): Use => {
    const mode = input === old ? "read" : "reduce";
    const { storage, version } = valueBy(flow, input);
    return { handle: id, mode, member: 0, input, output: NONE, storage, version, bytesMax: 0 };
  });
  uses.push({ handle: id, mode: "write", member: 0, input: NONE, output: value.id, storage: value.storage, version: 0, bytesMax: bytes });
  overwrite(flow, handle, value.id);
  made.push(
    createTask(flow, {
      id: task,
      spec: { stage: handle.combine, accesses: [] },
      uses,
      template: NONE,
      templateIndex: NONE,
      replayed: false,
    }),
  );
}

/** So many that a combine of them has a place. */
function contributionsMax(flow: Flow, id: HandleId): number {
  const handle = handleOf(flow, id);
  const { combineMax } = flow.config.limits;
  const bytes = Math.max(1, ...[handle.current, ...handle.contributions].map((value) => flow.state.values.get(value)?.bytes ?? 0));
  let most = 1;
  for (const { class: deviceClass, weightBytes } of must(flow.state.stages.get(handle.combine), "a combine stage is known").variants) {
    for (const device of flow.map.devicesOfClass[deviceClass] ?? []) {
      const { capacity } = flow.state.memories[flow.map.memoryOf[device]!]!;
      most = Math.max(most, Math.floor((capacity - weightBytes) / bytes) - 2);
    }
  }
  return Math.min(combineMax, most);
}

interface Created {
  readonly id: TaskId;
  readonly spec: TaskSpec;
  readonly uses: readonly Use[];
  readonly template: TemplateId;
  readonly templateIndex: number;
  readonly replayed: boolean;
}

function createTask(flow: Flow, { id, spec, uses, template, templateIndex, replayed }: Created): Task {
  const { state } = flow;
  const { priority = 0, footprint = 0, work = 1, devices, gang = 1 } = spec;
  const stage = must(state.stages.get(spec.stage), "a stage that was checked is known");
  const ownNs = expectedNs(state, stage, { footprint, work });
  const task: Task = {
    id,
    stage: spec.stage,
    uses,
    priority,
    footprint,
    work,
    devices,
    gang,
    order: state.next.order++,
    status: BLOCKED,
    waits: 0,
    ownNs,
    rankNs: ownNs,
    urgency: 0,
    scheduledOn: NONE,
    scheduledAt: 0,
    scheduledEndAt: 0,
    placed: [],
    variant: 0,
    predictedNs: 0,
    run: NONE,
    grantsLeft: 0,
    grantedIn: [],
    leases: [],
    scratch: [],
    discards: [],
    failures: 0,
    losses: 0,
    transferFailures: 0,
    failedOn: [],
    detail: "",
    again: false,
    cancelled: false,
    template,
    templateIndex,
    replayed,
  };
  state.tasks.set(id, task);
  countWaits(flow, task);
  return task;
}

function expectedNs(state: DataflowState, stage: StageSpec, given: { readonly footprint: number; readonly work: number }): number {
  return typicalNs(state.histories, stage, given.footprint) * given.work;
}

/** Enters a task with every input that is not there; what is gone is asked for. */
export function countWaits(flow: Flow, task: Task): void {
  task.waits = 0;
  for (const { input } of task.uses) {
    if (input === NONE) continue;
    const value = valueBy(flow, input);
    if (value.failure !== undefined) {
      flow.tasksToFail.push(task.id);
      task.waits++;
      return;
    }
    if (value.made) continue;
    task.waits++;
    value.waiting.push(task.id);
    if (value.sized) flow.valuesToMake.push(value.id);
  }
}
