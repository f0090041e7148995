import { assert, unreachable } from "../../base/assert.ts";
import type { DataflowPolicy } from "../../policy/dataflow-policy.ts";
import type { Engine } from "../engine.ts";
import { put } from "./accesses.ts";
import { createArrivalsRoom } from "./arrivals-room.ts";
import { beginBout, endBout, joinBout, spoilBout } from "./bouts.ts";
import { cancelTask, releaseHandle } from "./client-endings.ts";
import type { DataflowConfig } from "./dataflow-config.ts";
import { type DataflowState, NONE } from "./dataflow-state.ts";
import type {
  ClientEvent,
  DataflowCommand,
  DataflowEvent,
  ExecutorEvent,
  HandleId,
  RepeatedEvent,
  SubmittedEvent,
} from "./dataflow-types.ts";
import { failLoad, failRun, failTransfer, finishTransfer } from "./executor-ends.ts";
import { beginFetch, endFetch } from "./fetch.ts";
import { finishRun } from "./finish.ts";
import type { Flow } from "./flow.ts";
import { lookAtHeld } from "./hold.ts";
import { startingState } from "./learned-state.ts";
import { joinDevice, loseDevice, loseHost } from "./lose.ts";
import { createRackMap } from "./rack-map.ts";
import { recordLoad } from "./residency.ts";
import { settle } from "./settle.ts";
import { setAccepting, submit } from "./submit.ts";
import { beginRecording, staleReason } from "./templates.ts";

export type DataflowEngine = Engine<DataflowEvent, DataflowCommand, DataflowState>;

/**
 * The engine that runs any graph of tasks over unlike devices: single-assignment values, instances of them in memories, transfers, loads, placement by
 * measured times, gangs, recovery by lineage.
 *
 * It is a deterministic state machine over plain data: `snapshot` is a copy of the state, and a new engine made from it goes on alike.
 * Errors: what a client or a failing device can cause is a command; messages about what has ended are ignored and counted.
 */
export function createDataflowEngine(config: DataflowConfig, policy: DataflowPolicy, from?: DataflowState): DataflowEngine {
  const state = from === undefined ? startingState(config) : structuredClone(from);
  const flow: Flow = {
    state,
    config,
    policy,
    map: createRackMap(config.rack),
    now: 0,
    commands: [],
    candidates: [],
    arrivals: createArrivalsRoom(config.rack.memories.length),
    tasksToLookAt: [],
    memoriesToLookAt: [],
    devicesToLookAt: [],
    tasksToReplay: [],
    valuesToMake: [],
    fetchesToLookAt: [],
    tasksToFail: [],
  };
  return {
    step: (event, now) => {
      flow.now = now;
      flow.commands = [];
      take(flow, event);
      lookAtHeld(flow);
      settle(flow);
      endBout(flow);
      const { pendingMax, acceptAgainBelow } = config.limits;
      if (!state.accepting && state.pending < pendingMax * acceptAgainBelow) setAccepting(flow, true);
      return flow.commands;
    },
    snapshot: () => structuredClone(state),
  };
}

function take(flow: Flow, event: DataflowEvent): void {
  switch (event.type) {
    case "stage-declared":
    case "handle-declared":
    case "put":
    case "submitted":
    case "repeated":
    case "task-cancelled":
    case "fetch":
    case "delivered":
    case "handle-released":
      takeFromClient(flow, event);
      return;
    default:
      takeFromExecutor(flow, event);
  }
}

function takeFromClient(flow: Flow, event: ClientEvent): void {
  const { state } = flow;
  switch (event.type) {
    case "stage-declared":
      assert(!state.stages.has(event.stage.stage), "a stage is declared once", event.stage.stage);
      state.stages.set(event.stage.stage, event.stage);
      return;
    case "handle-declared":
      assert(!state.handles.has(event.handle), "a handle is declared once", event.handle);
      state.handles.set(event.handle, { current: NONE, combine: event.combine ?? NONE, contributions: [] });
      return;
    case "put":
      takePut(flow, event.handle, event.bytes);
      return;
    case "submitted":
      takeTasks(flow, event);
      return;
    case "repeated":
      repeat(flow, event);
      return;
    case "task-cancelled":
      spoilBout(flow);
      cancelTask(flow, event.task);
      return;
    case "fetch":
      beginFetch(flow, event.fetch, event.handle);
      return;
    case "delivered":
      endFetch(flow, event.fetch);
      return;
    case "handle-released":
      releaseHandle(flow, event.handle);
      return;
    default:
      unreachable(event);
  }
}

function takeTasks(flow: Flow, { first, tasks, template }: SubmittedEvent): void {
  // What is recorded goes where it was recorded to go.
  if (template === undefined) beginBout(flow, first, tasks);
  else spoilBout(flow);
  if (!submit(flow, first, { tasks, template: template ?? NONE, replayed: false })) return;
  joinBout(flow, tasks);
  if (template !== undefined) beginRecording(flow, template, { tasks, first });
}

function takePut(flow: Flow, handle: HandleId, bytes: number): void {
  if (!flow.state.handles.has(handle)) {
    flow.commands.push({ type: "rejected", handle, refusal: { code: "unknown-handle", handle } });
    return;
  }
  const { capacity, used } = flow.state.memories[0]!;
  if (put(flow, handle, bytes)) return;
  flow.commands.push({
    type: "rejected",
    handle,
    refusal: { code: "capacity", neededBytes: bytes, freeBytes: capacity - used, memory: 0 },
  });
}

/** A recorded batch once more: as it was decided, or scheduled anew and recorded again where that does not hold. */
function repeat(flow: Flow, { template: name, first }: RepeatedEvent): void {
  const { state } = flow;
  spoilBout(flow);
  const template = state.templates.get(name);
  if (template === undefined) {
    flow.commands.push({ type: "rejected", first, refusal: { code: "no-template", template: name } });
    return;
  }
  const reason = staleReason(flow, template);
  if (!submit(flow, first, { tasks: template.tasks, template: name, replayed: reason === undefined })) return;
  if (reason === undefined) {
    state.counts.repetitions++;
    flow.commands.push({ type: "recorded", template: name, active: true });
    return;
  }
  state.counts.notRecorded[reason]++;
  // The batch that is being recorded goes on.
  if (reason !== "not-yet-recorded") beginRecording(flow, name, { tasks: template.tasks, first });
  flow.commands.push({ type: "recorded", template: name, active: false, reason });
}

function takeFromExecutor(flow: Flow, event: ExecutorEvent): void {
  if (!event.type.endsWith("-finished")) spoilBout(flow);
  switch (event.type) {
    case "task-finished":
      finishRun(flow, event);
      return;
    case "task-failed":
      failRun(flow, event);
      return;
    case "transfer-finished":
      finishTransfer(flow, event.transfer, event.durationNs);
      return;
    case "transfer-failed":
      failTransfer(flow, event.transfer, event.detail);
      return;
    case "load-finished":
      recordLoad(flow, event.load, event.durationNs);
      return;
    case "load-failed":
      failLoad(flow, event.load, event.detail);
      return;
    case "host-lost":
      loseHost(flow, event.host, event.mayReturn);
      return;
    case "device-lost":
      loseDevice(flow, event.device, event.mayReturn);
      return;
    case "device-joined":
      joinDevice(flow, event.device);
      return;
    default:
      unreachable(event);
  }
}
