import { auditAdapters } from "../../engine/serving/audit-adapters.ts";
import { auditEncoder } from "../../engine/serving/audit-encoder.ts";
import { auditReplica } from "../../engine/serving/audit-replica.ts";
import { DECISION, readDecisions } from "../../engine/serving/decision-log.ts";
import { drain, outcomeOf } from "./run-serving.ts";
import type { ServingInput, ServingOutcome } from "./serving-input.ts";
import { servingRun } from "./serving-run.ts";
import type { ServingRun } from "./serving-state.ts";

export interface AuditOptions {
  /** Called before each check, for tests that plant faults. */
  readonly tamper?: (run: ServingRun, event: number) => void;
  /** Books are recounted after every so many events. */
  readonly every?: number;
}

/** Runs and checks: the books of all replicas as it goes, and at the end that nothing is left over. Slow. Returns the first faults, at most 10. */
export function auditServing(input: ServingInput, { tamper, every = 1 }: AuditOptions = {}): { outcome: ServingOutcome; faults: string[] } {
  const run = servingRun(input);
  const faults: string[] = [];
  let event = 0;
  drain(run, undefined, () => {
    event += 1;
    tamper?.(run, event);
    if (event % every !== 0) return true;
    for (const replica of run.replicas) {
      faults.push(...auditReplica(replica, run.context.requests));
      const { adapters } = input.replicas[replica.index]!;
      faults.push(...auditEncoder(replica, run.context.requests));
      if (adapters !== undefined) faults.push(...auditAdapters(replica, run.context.requests, adapters));
    }
    faults.push(...auditTexts(run));
    return faults.length === 0;
  });
  const outcome = outcomeOf(run, undefined);
  if (faults.length > 0) return { outcome, faults: faults.slice(0, 10) };
  for (const { index, pool, runningCount, waiting } of run.replicas) {
    if (pool.free !== pool.capacity) faults.push(`replica ${index}: ${pool.capacity - pool.free} blocks leaked`);
    if (runningCount + waiting.size > 0) faults.push(`replica ${index}: requests are left over`);
  }
  faults.push(...auditOutcome(input, outcome));
  return { outcome, faults: faults.slice(0, 10) };
}

/** Where prefill and decode are apart: requests whose two rows do not make up their output before the second has begun. */
function auditTexts({ split, input, context, kept }: ServingRun): string[] {
  if (!split) return [];
  const { output, left, at } = context.requests;
  const { count } = input.requests;
  const faults: string[] = [];
  for (let i = 0; i < count; i++) {
    const row = count + i;
    const before = at[row] === -1 || kept.has(i);
    if (before && output[i]! + left[row]! !== output[row]!) faults.push(`request ${i} has another text where it goes on`);
  }
  return faults;
}

/** What is wrong with an outcome: requests that do not end exactly once, times out of order, decisions that do not pair. */
export function auditOutcome({ requests, replicas }: ServingInput, outcome: ServingOutcome): string[] {
  const faults: string[] = [];
  const check = (holds: boolean, what: string): void => {
    if (!holds) faults.push(what);
  };
  faults.push(...auditOrder(requests, outcome));
  const { count } = requests;
  const rows = outcome.decodeReplica === undefined ? count : 2 * count;
  const counts = new Map(Object.values(DECISION).map((kind) => [kind as number, new Int32Array(rows)]));
  // Of requests that went back to prefill: how often a decode replica had lost them, and the tokens they had the last time.
  const fromDecode = new Int32Array(count);
  const delivered = new Int32Array(count);
  for (const { kind, request, replica, detail } of readDecisions(outcome.decisions)) {
    counts.get(kind)![request]! += 1;
    if (kind !== DECISION.restart) continue;
    check(detail >= 1 && detail >= delivered[request]!, `request ${request} goes back with ${detail} tokens`);
    if (replicas[replica]!.role === "decode") fromDecode[request]! += 1;
    delivered[request] = detail;
  }
  const of = (kind: number, row: number): number => counts.get(kind)![row]!;
  let rejected = 0;
  for (let i = 0; i < count; i++) {
    const refused = of(DECISION.reject, i);
    rejected += refused;
    const tokens = requests.outputTokens[i]!;
    const again = of(DECISION.restart, i);
    const split = rows > count && tokens > 1;
    for (const row of split ? [i, count + i] : [i]) {
      const ends = of(DECISION.end, row);
      // What goes back ends once more where its prompt is computed, and there for good where that brings its last token.
      const due = row >= count ? (delivered[i]! + 1 < tokens ? 1 : 0) : 1 + again;
      const ended = refused === 0 ? ends === due : refused === 1 && ends <= (row < count ? due : 0);
      check(ended, `request ${row} ends ${ends} times and is rejected ${refused} times`);
      if (ends > 0) check(of(DECISION.admit, row) >= ends + of(DECISION.preempt, row), `request ${row} ran without being admitted`);
      if (rows === count) continue;
      const moved = row < count ? 0 : ends + fromDecode[i]!;
      const moves = of(DECISION.transfer, row) - of(DECISION.breakOff, row);
      check(moves === moved, `KV of request ${row} moved ${moves} times and not ${moved}`);
    }
    if (refused > 0) continue;
    const times = [outcome.queuedNs[i]!, outcome.scheduledNs[i]!, outcome.firstTokenNs[i]!, outcome.lastTokenNs[i]!];
    check(
      times.every((time, k) => k === 0 || time >= times[k - 1]!),
      `times of request ${i} are out of order: ${times.join(", ")}`,
    );
    check(tokens === 1 ? times[2] === times[3] : times[3]! > times[2]!, `request ${i} has ${tokens} tokens in no time`);
    check(outcome.cachedTokens[i]! < requests.promptTokens[i]!, `all of the prompt of request ${i} was cached`);
  }
  check(rejected === outcome.rejected, "rejected requests are miscounted");
  return faults;
}

/** With adapters, requests pass one another; those of one adapter on one replica are admitted in the order in which they were sent there. */
function auditOrder({ adapter, count }: ServingInput["requests"], outcome: ServingOutcome): string[] {
  if (adapter === undefined || outcome.preemptions > 0 || outcome.resent > 0 || outcome.decodeReplica !== undefined) return [];
  const queues = new Map<string, number[]>();
  for (const { kind, replica, request } of readDecisions(outcome.decisions)) {
    // KV that comes from elsewhere comes in an order of its own.
    if (kind === DECISION.transfer) return [];
    if ((kind !== DECISION.route && kind !== DECISION.admit) || request >= count) continue;
    const name = `${replica} ${adapter[request]}`;
    const queue = queues.get(name) ?? [];
    queues.set(name, queue);
    if (kind === DECISION.route) queue.push(request);
    else if (queue.shift() !== request) return [`request ${request} passed another one of its adapter`];
  }
  return [];
}
