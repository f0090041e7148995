import type { SchedulingRules } from "../../policy/serving/scheduling-rules.ts";

/** What a gate of prompts remembers between iterations. */
export interface GateState {
  /** Number of the iteration since which it counts; -1: it does not count. */
  since: number;
  /** Requests at the front of the queue that it has let through and that found no room yet. */
  passed: number;
  /** Number of the iteration since which each rank has a prompt and they wait for more; -1: they do not. */
  ready: number;
}

/** Of a replica that begins. */
export function newGate({ gate }: SchedulingRules): GateState {
  return { since: gate?.kind === "gather" ? -1 : 0, passed: 0, ready: -1 };
}

/** The replica was lost, and with it whom it let through; iterations are counted on. */
export function resetGate(state: GateState, rules: SchedulingRules, steps: number): void {
  state.since = rules.gate?.kind === "gather" ? -1 : steps;
  state.passed = 0;
  state.ready = -1;
}
