import { assert } from "../base/assert.ts";
import { planted } from "../base/planted-fault.ts";
import type { Nanoseconds } from "../base/units.ts";
import type { BatchingChoice, BatchingView, RunningView } from "../policy/batching.ts";
import { BLOCK_TOKENS, pagesFor } from "../state/block.ts";
import { closeLane, laneFits, openLanes, setLanePages } from "../state/lanes.ts";
import { reserveSlot } from "../state/slots.ts";
import type { FromReplica, RequestId } from "./messages.ts";
import { admit } from "./replica-admission.ts";
import type { ReplicaCommand, StepRow } from "./replica-engine-types.ts";
import { preempt } from "./replica-intake.ts";
import { type ReplicaConfig, type ReplicaDeciders, type ReplicaState, type Sequence, sequenceOf, type TaskDraft } from "./replica-state.ts";

interface Forming {
  readonly state: ReplicaState;
  readonly config: ReplicaConfig;
  readonly deciders: ReplicaDeciders;
  readonly now: Nanoseconds;
}

/** Starts tasks while a stage would be idle and there is work: closes, admissions, then the rows the policy chose, each checked. */
export function formTasks(forming: Forming): ReplicaCommand[] {
  const commands: ReplicaCommand[] = [];
  while (forming.state.tasks.size < forming.config.stages) {
    const formed = formTask(forming);
    if (formed.length === 0) break;
    commands.push(...formed);
  }
  return commands;
}

function formTask(forming: Forming): ReplicaCommand[] {
  const { state, config, deciders, now } = forming;
  const draft: TaskDraft = { closes: state.closing, opens: [], seals: [], leased: [] };
  for (const lane of draft.closes) closeLane(state.lanes, lane);
  state.closing = [];
  const context = { parameters: config.policy, cost: deciders.cost };
  const messages = admitChosen(forming, draft, deciders.batching.admit(viewOf(state, config, now), context));
  const view = viewOf(state, config, now);
  const rows = checkedRows(forming, draft, { view, choice: deciders.batching.form(view, context) });
  // Lanes given up by a preemption close with the task that made room for them.
  const closes = draft.closes.concat(state.closing);
  for (const lane of state.closing) closeLane(state.lanes, lane);
  state.closing = [];
  const sends = messages.map((message): ReplicaCommand => ({ type: "send", message }));
  if (rows.length === 0 && closes.length === 0 && draft.opens.length === 0) return sends;
  return [...sends, startTask(state, { ...draft, closes }, rows)];
}

function admitChosen(forming: Forming, draft: TaskDraft, chosen: readonly RequestId[]): FromReplica[] {
  const { state } = forming;
  if (planted("never-admit")) return [];
  const messages = admit(state, chosen, draft);
  const idle = state.running.length === 0 && state.waiting.length > 0;
  if (!idle) return messages;
  // A policy that leaves the replica idle while work waits is overruled: first come, first served.
  state.policyFallbacks++;
  return [...messages, ...admit(state, state.waiting.slice(0, 1), draft)];
}

/** The rows of the policy's choice that keep the invariants; if none is left while something could run, the oldest sequence runs. */
function checkedRows(forming: Forming, draft: TaskDraft, decided: { view: BatchingView; choice: BatchingChoice }): StepRow[] {
  const { state } = forming;
  const { view, choice } = decided;
  const rows: StepRow[] = [];
  const taken = new Set<RequestId>();
  const decode = choice.decode.map((request) => ({ request, tokens: 1 }));
  for (const item of [...decode, ...choice.prefill]) {
    if (taken.has(item.request)) state.policyRefusals++;
    else if (addRow(forming, draft, item, rows)) taken.add(item.request);
  }
  if (rows.length > 0 || state.tasks.size > 0) return rows;
  const oldest = view.running.find((sequence) => state.sequences.get(sequence.request)?.lane !== undefined);
  if (oldest === undefined) return rows;
  state.policyFallbacks++;
  addRow(forming, draft, { request: oldest.request, tokens: Math.min(oldest.remaining, forming.config.policy.maxChunkTokens) }, rows);
  return rows;
}

function addRow(forming: Forming, draft: TaskDraft, item: { request: RequestId; tokens: number }, rows: StepRow[]): boolean {
  const { state } = forming;
  const sequence = state.sequences.get(item.request);
  if (sequence === undefined || sequence.task !== undefined || !Number.isInteger(item.tokens) || item.tokens < 1) {
    state.policyRefusals++;
    return false;
  }
  // An earlier row of this task may have preempted it; that is no fault of the policy.
  if (sequence.lane === undefined) return false;
  const remaining = sequence.known - sequence.computed;
  const count = Math.min(item.tokens, remaining);
  if (!growLane(forming, draft, sequence, rows)) return false;
  assert(sequence.lane !== undefined, "a row has a lane", { request: item.request });
  const sample = count === remaining;
  const decoding = isDecoding(sequence);
  rows.push({ lane: sequence.lane, phase: decoding ? "decode" : "prefill", start: sequence.computed, count, sample });
  planSeals(state, draft, { sequence, upTo: sequence.computed + count });
  return true;
}

/** Makes room for the known tokens and the next one, preempting the newest idle sequences; false when it is the sequence itself that had to go. */
function growLane(forming: Forming, draft: TaskDraft, sequence: Sequence, rows: readonly StepRow[]): boolean {
  const { state, deciders } = forming;
  const pages = pagesFor(sequence.known);
  for (;;) {
    const lane = sequence.lane;
    if (lane === undefined) return false;
    if (state.lanes.pages[lane]! >= pages) return true;
    if (planted("overcommit-pages")) {
      state.lanes.pages[lane] = pages;
      return true;
    }
    if (laneFits(state.lanes, lane, pages)) {
      setLanePages(state.lanes, lane, pages);
      return true;
    }
    const inTask = new Set([...rows.map((row) => row.lane), ...draft.opens.map((open) => open.lane)]);
    const idle = runningViews(state).filter((view) => !inTask.has(view.lane) || view.request === sequence.request);
    const victim = idle.find((view) => view.request === deciders.batching.victim(idle)) ?? idle.at(-1);
    if (victim === undefined) return false;
    preemptNow(state, draft, sequenceOf(state, victim.request));
  }
}

/** The lane closes in this very task: closes come before anything else in a stage. */
function preemptNow(state: ReplicaState, draft: TaskDraft, sequence: Sequence): void {
  preempt(state, sequence);
  for (const lane of state.closing) {
    closeLane(state.lanes, lane);
    draft.closes.push(lane);
  }
  state.closing = [];
}

function planSeals(state: ReplicaState, draft: TaskDraft, row: { sequence: Sequence; upTo: number }): void {
  const { sequence, upTo } = row;
  const early = planted("seal-early") ? 1 : 0;
  while ((sequence.sealed + 1) * BLOCK_TOKENS <= upTo + early) {
    const block = sequence.sealed++;
    const key = sequence.keys[block];
    if (state.slots.capacity === 0 || (key !== undefined && state.slots.byKey.has(key))) continue;
    const target = reserveSlot(state.slots, (evicted) => state.report.evicted.push(evicted));
    if (target === undefined || sequence.lane === undefined) continue;
    draft.seals.push({ lane: sequence.lane, block, target, request: sequence.request });
  }
}

function startTask(state: ReplicaState, draft: TaskDraft, rows: readonly StepRow[]): ReplicaCommand {
  const task = state.nextTask++;
  const byLane = new Map(state.running.map((request) => [sequenceOf(state, request).lane, request]));
  const worked = rows.map((row) => {
    const request = byLane.get(row.lane);
    assert(request !== undefined, "a row works on a running sequence", row);
    sequenceOf(state, request).task = task;
    return { request, count: row.count, sample: row.sample };
  });
  const seals = draft.seals.map(({ lane, block, target }) => ({ lane, block, target }));
  state.tasks.set(task, {
    rows: worked,
    seals: draft.seals.map(({ request, block, target }) => ({ request, block, target })),
    leased: draft.leased,
  });
  return { type: "start-task", task, step: { closes: draft.closes, opens: draft.opens, rows, seals } };
}

function viewOf(state: ReplicaState, config: ReplicaConfig, now: Nanoseconds): BatchingView {
  let decoding = 0;
  for (const request of state.running) if (isDecoding(sequenceOf(state, request))) decoding++;
  return {
    waiting: state.waiting.map((request) => {
      const { priority, known, arrivedAt } = sequenceOf(state, request);
      return { request, priority, promptTokens: known, waitingNs: now - arrivedAt };
    }),
    running: runningViews(state),
    openLanes: openLanes(state.lanes),
    maxSequences: config.maxSequences,
    stages: config.stages,
    decoding,
  };
}

function runningViews(state: ReplicaState): RunningView[] {
  const views: RunningView[] = [];
  for (const request of state.running) {
    const sequence = sequenceOf(state, request);
    if (sequence.task !== undefined || sequence.lane === undefined) continue;
    const { lane, computed, known, order } = sequence;
    views.push({ request, lane, context: computed, remaining: known - computed, decoding: isDecoding(sequence), order });
  }
  return views;
}

/** One known token is left and the rest is in the lane: the next run is a decode step. A prompt's first run never is. */
function isDecoding(sequence: Sequence): boolean {
  return sequence.computed > 0 && sequence.known - sequence.computed === 1 && sequence.sampled;
}
