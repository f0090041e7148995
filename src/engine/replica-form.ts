import { assert } from "../base/assert.ts";
import { hiddenNumber, planted } from "../base/planted-fault.ts";
import { pagesFor } from "../state/block.ts";
import { laneFits, setLanePages } from "../state/lanes.ts";
import type { FromReplica, RequestId } from "./messages.ts";
import { open } from "./replica-admission.ts";
import { type CheckedChoice, decide, fallBack, type Stepping } from "./replica-decide.ts";
import type { ReplicaCommand } from "./replica-engine-types.ts";
import { preempt } from "./replica-intake.ts";
import { planSeals } from "./replica-seal.ts";
import { isDecoding, type ReplicaState, type Sequence, sequenceOf, type TaskDraft } from "./replica-state.ts";

/** Times a policy may choose to preempt one sequence: without a limit it could keep everything from ending. */
const POLICY_PREEMPTIONS_MAX = 4;
/** A fallback may first have to move a sequence to a lower lane, and then runs it. */
const FALLBACK_ROUNDS = 2;

/** Starts tasks while a stage would be idle and there is work. Each carries the closes that are due, what the choice opens, and its rows. */
export function formTasks(stepping: Stepping, commands: ReplicaCommand[]): void {
  const { state, config } = stepping;
  while (state.tasks.size < config.stages) {
    const draft = draftTask(stepping, commands);
    if (draft === undefined) break;
    commands.push(startTask(state, draft));
  }
  if (state.tasks.size === 0 && state.closing.length > 0) commands.push(startTask(state, emptyDraft()));
}

function draftTask(stepping: Stepping, commands: ReplicaCommand[]): TaskDraft | undefined {
  const { state } = stepping;
  if (!hasWork(state)) return undefined;
  const draft = emptyDraft();
  const messages: FromReplica[] = [];
  const preemptions = state.counts.preemptions;
  apply(stepping, decide(stepping), draft, messages);
  // Who was sent back to the queue may now fit in a lower lane.
  if (mustRun(state, draft) && state.counts.preemptions > preemptions) apply(stepping, decide(stepping), draft, messages);
  for (let round = 0; round < FALLBACK_ROUNDS && mustRun(state, draft); round++) apply(stepping, fallBack(stepping), draft, messages);
  assert(!mustRun(state, draft), "a replica with work and nothing in flight runs something", {
    running: state.running,
    waiting: state.waiting,
  });
  for (const message of messages) commands.push({ type: "send", message });
  return draft.rows.length > 0 ? draft : undefined;
}

/** Something waits or runs that no task works on. */
function hasWork(state: ReplicaState): boolean {
  if (state.waiting.length > 0) return true;
  for (const request of state.running) if (sequenceOf(state, request).task === undefined) return true;
  return false;
}

/** Whatever a policy says, an idle replica with work does some of it. */
function mustRun(state: ReplicaState, draft: TaskDraft): boolean {
  return draft.rows.length === 0 && state.tasks.size === 0 && hasWork(state) && !planted("never-admit");
}

function emptyDraft(): TaskDraft {
  return { opens: [], steps: [], rows: [], seals: [], sealers: [], leased: [] };
}

/** Does of a choice what keeps the invariants: preemptions, decodes of senior sequences first, then prefill rows and admissions as chosen. */
function apply(stepping: Stepping, choice: CheckedChoice, draft: TaskDraft, messages: FromReplica[]): void {
  const { state, config } = stepping;
  const preemptions = state.counts.preemptions;
  for (const request of choice.preempt) preemptChosen(state, request);
  const decodes = choice.rows.filter((row) => !row.prefill).sort((a, b) => bySeniority(state, a.request, b.request));
  for (const { request } of decodes) addRow(stepping, draft, { request, tokens: 1, prefill: false });
  let chunk = Math.max(1, config.policy.maxChunkTokens - hiddenNumber());
  for (const row of draft.rows) if (row.prefill) chunk -= row.count;
  // Pages that a preemption has just freed belong to who needed them.
  let full = planted("never-admit") || state.counts.preemptions > preemptions;
  const admit = new Set(choice.admit);
  for (const { request, tokens, prefill } of choice.rows) {
    if (!prefill || chunk < 1) continue;
    const sequence = state.sequences.get(request);
    if (sequence !== undefined && sequence.lane === undefined && admit.delete(request)) {
      full ||= !open(state, sequence, draft, messages);
      if (full) continue;
    }
    chunk -= addRow(stepping, draft, { request, tokens: Math.min(tokens, chunk), prefill: true });
  }
  if (!full) state.counts.policyRefusals += admit.size;
}

function bySeniority(state: ReplicaState, a: RequestId, b: RequestId): number {
  const [first, second] = [state.sequences.get(a), state.sequences.get(b)];
  if (first === undefined || second === undefined) return 0;
  return isSenior(first, second) ? -1 : 1;
}

/** Higher priority, then earlier arrival: the senior sequence keeps its lane, so that there is always one that only goes forward. */
function isSenior(a: Sequence, b: Sequence): boolean {
  return a.priority > b.priority || (a.priority === b.priority && a.arrival < b.arrival);
}

function preemptChosen(state: ReplicaState, request: RequestId): void {
  const sequence = state.sequences.get(request);
  if (sequence?.lane === undefined || sequence.task !== undefined || sequence.policyPreemptions >= POLICY_PREEMPTIONS_MAX) {
    state.counts.policyRefusals++;
    return;
  }
  sequence.policyPreemptions++;
  preempt(state, sequence);
}

/** Adds one row if it is sound and its lane can grow; returns the tokens it computes. */
function addRow(stepping: Stepping, draft: TaskDraft, item: { request: RequestId; tokens: number; prefill: boolean }): number {
  const { state, config } = stepping;
  const { request, prefill } = item;
  const sequence = state.sequences.get(request);
  // A sequence may have lost its lane to an older one a moment ago: that is no fault of the policy.
  if (sequence !== undefined && sequence.lane === undefined) return 0;
  if (
    sequence === undefined ||
    sequence.task !== undefined ||
    item.tokens < 1 ||
    isDecoding(sequence) === prefill ||
    inDraft(draft, request)
  ) {
    state.counts.policyRefusals++;
    return 0;
  }
  const remaining = sequence.known - sequence.computed;
  const count = Math.min(item.tokens, remaining);
  if (!growLane(state, draft, sequence) || sequence.lane === undefined) return 0;
  const sample = count === remaining;
  draft.steps.push({ lane: sequence.lane, phase: prefill ? "prefill" : "decode", start: sequence.computed, count, sample });
  draft.rows.push({ request, count, prefill, sample });
  const upTo = sequence.computed + count;
  const prefilled = prefill && sequence.prefilled === sequence.computed ? upTo : sequence.prefilled;
  planSeals(state, config, { sequence, upTo, prefilled, complete: prefill && sample, draft });
  return count;
}

function inDraft(draft: TaskDraft, request: RequestId): boolean {
  return draft.rows.some((row) => row.request === request);
}

/**
 * Makes room for the known tokens of a sequence, preempting junior sequences that no task works on. False where it has to wait for a junior one
 * in flight, or had to go itself.
 */
function growLane(state: ReplicaState, draft: TaskDraft, sequence: Sequence): boolean {
  const pages = pagesFor(sequence.known);
  for (;;) {
    const { lane } = sequence;
    assert(lane !== undefined, "a growing sequence has a lane", { request: sequence.request });
    if (state.lanes.pages[lane]! >= pages) return true;
    if (planted("overcommit-pages")) {
      state.lanes.pages[lane] = pages;
      return true;
    }
    if (laneFits(state.lanes, lane, pages)) {
      setLanePages(state.lanes, lane, pages);
      return true;
    }
    const victim = victimFor(state, draft, sequence);
    if (victim === undefined) return false;
    preempt(state, victim);
    if (victim === sequence) return false;
  }
}

/** The most junior idle sequence below this one; itself, if it is the most junior of all. */
function victimFor(state: ReplicaState, draft: TaskDraft, sequence: Sequence): Sequence | undefined {
  let victim: Sequence | undefined;
  let juniors = 0;
  for (const request of state.running) {
    const candidate = sequenceOf(state, request);
    if (!isSenior(sequence, candidate) || candidate === sequence) continue;
    juniors++;
    if (candidate.task !== undefined || inDraft(draft, request)) continue;
    if (victim === undefined || isSenior(victim, candidate)) victim = candidate;
  }
  return juniors === 0 ? sequence : victim;
}

function startTask(state: ReplicaState, draft: TaskDraft): ReplicaCommand {
  const task = state.nextTask++;
  const { opens, steps, rows, seals, sealers, leased } = draft;
  for (const { request } of rows) sequenceOf(state, request).task = task;
  const closes = state.closing;
  state.closing = [];
  state.tasks.set(task, {
    rows,
    seals: seals.map(({ block, target }, i) => ({ request: sealers[i]!, block, target })),
    leased,
  });
  return { type: "start-task", task, step: { closes, opens, rows: steps, seals } };
}
