import type { Nanoseconds } from "../base/units.ts";
import type { BatchingChoice, BatchingPolicy } from "../policy/batching.ts";
import { firstCome } from "../policy/policies/first-come.ts";
import type { RequestId } from "./messages.ts";
import type { ReplicaConfig, ReplicaDeciders, ReplicaState } from "./replica-state.ts";
import { viewOf } from "./replica-view.ts";

/** Everything a step of the engine works with. */
export interface Stepping {
  readonly state: ReplicaState;
  readonly config: ReplicaConfig;
  readonly deciders: ReplicaDeciders;
  readonly now: Nanoseconds;
}

/** A choice with its form checked: lists of bounded length, ids and whole counts. Whether it can be done is checked row by row. */
export interface CheckedChoice {
  readonly admit: readonly RequestId[];
  readonly preempt: readonly RequestId[];
  readonly rows: readonly { readonly request: RequestId; readonly tokens: number; readonly prefill: boolean }[];
}

/** The policy's choice for the next iteration. A policy that throws or overruns its budget is replaced for this step. */
export function decide(stepping: Stepping): CheckedChoice {
  const { state, deciders } = stepping;
  try {
    const { choice, own } = ask(stepping, deciders.batching, state.policyState);
    const checked = check(stepping, choice);
    state.policyState = own;
    return checked;
  } catch {
    return fallBack(stepping);
  }
}

/** First come, first served. */
export function fallBack(stepping: Stepping): CheckedChoice {
  stepping.state.counts.policyFallbacks++;
  return check(stepping, ask(stepping, firstCome, null).choice);
}

function ask<Own>({ state, config, deciders, now }: Stepping, policy: BatchingPolicy<Own>, own: Own): { choice: BatchingChoice; own: Own } {
  return policy.decide(viewOf(state, config, now), own, { parameters: config.policy, cost: deciders.cost });
}

function check({ state }: Stepping, choice: BatchingChoice): CheckedChoice {
  const most = state.waiting.length + state.running.length;
  const rows: { request: RequestId; tokens: number; prefill: boolean }[] = [];
  for (const request of bounded(state, choice.decode, most)) rows.push({ request, tokens: 1, prefill: false });
  for (const item of bounded(state, choice.prefill, most)) {
    const { request, tokens } = item;
    if (Number.isInteger(tokens) && tokens >= 1) rows.push({ request, tokens, prefill: true });
    else state.counts.policyRefusals++;
  }
  return { admit: bounded(state, choice.admit, most), preempt: bounded(state, choice.preempt, most), rows };
}

/** A policy in error may return anything. */
function bounded<T>(state: ReplicaState, list: readonly T[], most: number): readonly T[] {
  if (!Array.isArray(list)) {
    state.counts.policyRefusals++;
    return [];
  }
  if (list.length <= most) return list;
  state.counts.policyRefusals += list.length - most;
  return list.slice(0, most);
}
