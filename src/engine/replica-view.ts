import { assert } from "../base/assert.ts";
import type { Nanoseconds } from "../base/units.ts";
import type { BatchingView, CountedList } from "../policy/batching.ts";
import { openLanes } from "../state/lanes.ts";
import type { RequestId } from "./messages.ts";
import { cachedTokensOf } from "./replica-admission.ts";
import { isDecoding, type ReplicaConfig, type ReplicaState, sequenceOf } from "./replica-state.ts";

/** A policy may look at every item this many times, and at a few more. */
const LOOKS_PER_ITEM = 4;
const LOOKS_SPARE = 64;

/** What a batching policy sees of a replica. Looking more often than the budget allows is an assertion, which ends the policy's turn. */
export function viewOf(state: ReplicaState, config: ReplicaConfig, now: Nanoseconds): BatchingView {
  const budget = { left: LOOKS_SPARE + LOOKS_PER_ITEM * (state.waiting.length + state.running.length) };
  return {
    waiting: counted(state.waiting, budget, (request) => {
      const sequence = sequenceOf(state, request);
      const { priority, known, arrivedAt } = sequence;
      return { request, priority, knownTokens: known, cachedTokens: cachedTokensOf(state, sequence), waitingNs: now - arrivedAt };
    }),
    running: counted(state.running, budget, (request) => {
      const sequence = sequenceOf(state, request);
      const { lane, computed, known, task } = sequence;
      assert(lane !== undefined, "a running sequence has a lane", { request });
      return {
        request,
        lane,
        context: computed,
        remaining: known - computed,
        decoding: isDecoding(sequence),
        inFlight: task !== undefined,
      };
    }),
    freeLanes: config.maxSequences - openLanes(state.lanes),
    stages: config.stages,
    tasksInFlight: state.tasks.size,
  };
}

function counted<T>(requests: readonly RequestId[], budget: { left: number }, see: (request: RequestId) => T): CountedList<T> {
  return {
    length: requests.length,
    at: (index) => {
      assert(budget.left-- > 0, "a policy stays within its step budget");
      const request = requests[index];
      assert(request !== undefined, "a policy looks at items there are", { index, length: requests.length });
      return see(request);
    },
  };
}
