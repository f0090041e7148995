import { itemAt } from "../../base/int-deque.ts";
import { knownTokens, type RequestTable } from "./request-table.ts";
import type { ServingReplica } from "./serving-replica.ts";

/**
 * Requests at the front of the queue that may join the iteration that is being formed, as far as they have room there.
 *
 * Called once an iteration. Complexity: linear in the prompts that fill an iteration.
 */
export function gatePasses(replica: ServingReplica, requests: RequestTable, budget: number): number {
  const { waiting, gate } = replica;
  const rule = replica.rules.gate;
  if (rule === undefined) return waiting.size;
  const { steps } = replica;
  const elapsed = steps - gate.since;
  const idle = replica.runningCount === 0;
  if (rule.kind === "gather") {
    if (waiting.size === 0) return 0;
    const full = gathered(replica, requests, budget) >= rule.tokens;
    if (idle || full || (gate.since >= 0 && elapsed >= rule.steps)) {
      gate.since = -1;
      return waiting.size;
    }
    if (gate.since < 0) gate.since = steps;
    return 0;
  }
  if (rule.kind === "ranks") {
    const decoding = replica.runningCount >= rule.ranks;
    if (decoding && waiting.size >= rule.waiting) {
      gate.since = steps;
      if (gate.ready < 0) gate.ready = steps;
      if (steps - gate.ready < (rule.batching ?? 0)) return 0;
      gate.ready = -1;
      return waiting.size;
    }
    gate.ready = -1;
    const due = elapsed > 0 && elapsed % rule.steps === 0;
    if (!due && decoding) return 0;
    if (waiting.size > 0) gate.since = steps;
    return waiting.size;
  }
  if (idle || (elapsed > 0 && elapsed % rule.steps === 0)) gate.passed = waiting.size;
  return gate.passed;
}

/** Tokens of the sequences that run, drafts included, and of the prompts at the front of the queue that fit beside them. */
function gathered({ waiting, runningCount, gain }: ServingReplica, requests: RequestTable, budget: number): number {
  let tokens = 0;
  for (let i = 0; i < waiting.size; i++) {
    const due = knownTokens(requests, itemAt(waiting, i));
    if (tokens + due > budget) break;
    tokens += due;
  }
  return runningCount * (1 + gain.draftTokens) + tokens;
}

/** A request left the front of the queue through the gate. */
export function passedGate({ gate }: ServingReplica): void {
  if (gate.passed > 0) gate.passed -= 1;
}

/** The iteration is formed: after one with prompts a polling engine looks at its queue at once. */
export function gateFormed({ gate, rules, steps }: ServingReplica, prompts: number): void {
  if (rules.gate?.kind === "poll" && prompts > 0) gate.since = steps - rules.gate.steps;
}

/** Iterations that can be formed before the gate must be asked again on behalf of those that wait; infinite where it need not. */
export function stepsUntilGate({ gate, rules, waiting, steps, runningCount }: ServingReplica): number {
  const rule = rules.gate;
  if (rule === undefined || waiting.size === 0 || (rule.kind === "poll" && waiting.size <= gate.passed)) return Number.POSITIVE_INFINITY;
  const elapsed = steps - gate.since;
  // It was open and nobody found room: it begins to count with the next iteration.
  if (rule.kind === "gather") return gate.since < 0 ? 0 : Math.max(0, rule.steps - elapsed);
  if (rule.kind === "ranks" && runningCount < rule.ranks) return 0;
  if (rule.kind === "ranks" && waiting.size >= rule.waiting)
    return gate.ready < 0 ? 0 : Math.max(0, (rule.batching ?? 0) - (steps - gate.ready));
  return elapsed <= 0 ? rule.steps - elapsed : (rule.steps - (elapsed % rule.steps)) % rule.steps;
}
