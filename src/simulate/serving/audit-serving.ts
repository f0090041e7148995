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
    for (const replica of run.replicas) faults.push(...auditReplica(replica, run.context.requests));
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

/** What is wrong with an outcome: requests that do not end exactly once, times out of order, decisions that do not pair. */
export function auditOutcome({ requests }: ServingInput, outcome: ServingOutcome): string[] {
  const faults: string[] = [];
  const check = (holds: boolean, what: string): void => {
    if (!holds) faults.push(what);
  };
  const { count } = requests;
  const rows = outcome.decodeReplica === undefined ? count : 2 * count;
  const counts = new Map(Object.values(DECISION).map((kind) => [kind as number, new Int32Array(rows)]));
  for (const { kind, request } of readDecisions(outcome.decisions)) counts.get(kind)![request]! += 1;
  const of = (kind: number, row: number): number => counts.get(kind)![row]!;
  let rejected = 0;
  for (let i = 0; i < count; i++) {
    const refused = of(DECISION.reject, i);
    rejected += refused;
    const tokens = requests.outputTokens[i]!;
    const parts = rows > count && tokens > 1 ? [i, count + i] : [i];
    for (const row of parts) {
      const ends = of(DECISION.end, row);
      check(ends + refused === 1, `request ${row} ends ${ends} times and is rejected ${refused} times`);
      if (ends === 1) check(of(DECISION.admit, row) >= 1 + of(DECISION.preempt, row), `request ${row} ran without being admitted`);
      if (rows > count)
        check(of(DECISION.transfer, row) === (row >= count && ends === 1 ? 1 : 0), `KV of request ${row} did not move once`);
    }
    if (of(DECISION.end, i) !== 1) continue;
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
