import type { Nanoseconds } from "../../base/units.ts";
import type { FromReplica, ToReplica } from "../../engine/messages.ts";
import type { ReplicaCommand, ReplicaEvent, TaskFinished, TaskId } from "../../engine/replica-engine-types.ts";
import type { ReplicaConfig } from "../../engine/replica-state.ts";
import type { ReplicaBook } from "./replica-book.ts";
import { createSlotLedger } from "./slot-ledger.ts";
import { checkTask } from "./task-checker.ts";
import type { Invariant } from "./violation.ts";

/** Invariants 1, 2, 3 and 6 of one replica life, from its events and commands alone. */
export interface ReplicaChecker {
  step(event: ReplicaEvent, commands: readonly ReplicaCommand[], now: Nanoseconds): void;
  /** Once nothing is left to do: what is still held. */
  ended(now: Nanoseconds): void;
}

export type ReplicaReport = (invariant: Invariant, message: string, at: Nanoseconds) => void;

/** A checker of one life of a replica, with bookkeeping of its own; `report` is called for each thing that does not hold. */
export function createReplicaChecker(config: ReplicaConfig, report: ReplicaReport): ReplicaChecker {
  let now: Nanoseconds = 0;
  const book: ReplicaBook = {
    config,
    requests: new Map(),
    lanes: new Map(),
    tasks: new Map(),
    slots: createSlotLedger(config.policy.prefixCache ? config.sealedSlots : 0),
    lastTask: -1,
    check: (holds, invariant, message) => {
      if (!holds) report(invariant, message(), now);
    },
  };
  return {
    step: (event, commands, at) => {
      now = at;
      takeEvent(book, event);
      for (const command of commands) {
        if (command.type === "start-task") checkTask(book, command.task, command.step);
        else if (command.type === "send") checkSend(book, command.message);
      }
    },
    ended: (at) => {
      now = at;
      book.check(book.tasks.size === 0, 6, () => `${book.tasks.size} tasks have no end`);
      for (const [lane, { request }] of book.lanes) book.check(false, 2, () => `lane ${lane} of request ${request} is never closed`);
    },
  };
}

function takeEvent(book: ReplicaBook, event: ReplicaEvent): void {
  if (event.type === "message") takeMessage(book, event.message);
  else if (event.type === "task-finished") endTask(book, event.task, event.sealedKeys);
  else if (event.type === "task-failed") endTask(book, event.task, undefined);
}

function takeMessage({ requests }: ReplicaBook, message: ToReplica): void {
  if (message.type === "drain") return;
  const before = requests.get(message.request);
  if (message.type === "cancel") {
    if (before !== undefined) before.over = true;
  } else if (before === undefined || before.submission.attempt < message.attempt) {
    requests.set(message.request, { submission: message, sent: 0, over: false });
  }
}

function endTask(book: ReplicaBook, task: TaskId, sealedKeys: TaskFinished["sealedKeys"] | undefined): void {
  const { tasks, slots } = book;
  const step = tasks.get(task);
  book.check(step !== undefined, 6, () => `task ${task} ends but does not run`);
  if (step === undefined) return;
  tasks.delete(task);
  // A task that failed wrote nothing that counts.
  step.seals.forEach(({ target }, i) => {
    slots.writeEnded(target, sealedKeys?.[i]);
  });
  for (const { gather } of step.opens) for (const ref of gather) slots.readEnded(ref, task);
  for (const row of step.rows) {
    const lane = book.lanes.get(row.lane);
    if (lane?.task === task) lane.task = undefined;
  }
}

function checkSend(book: ReplicaBook, message: FromReplica): void {
  if (message.type === "report") return;
  const request = book.requests.get(message.request);
  const given = request?.submission.attempt === message.attempt;
  book.check(given, 1, () => `a message about request ${message.request}, attempt ${message.attempt}, which it was not given`);
  if (request === undefined || !given) return;
  if (message.type === "token") {
    const due = request.submission.delivered + request.sent;
    book.check(message.index === due, 1, () => `request ${message.request}: token ${message.index} is sent where ${due} is due`);
    request.sent++;
  } else if (message.type !== "started") request.over = true;
}
