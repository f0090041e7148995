import { planted } from "../base/planted-fault.ts";
import { BLOCK_TOKENS, pagesFor, type SlotRef } from "../state/block.ts";
import { laneFits, lowestFreeLane, setLanePages } from "../state/lanes.ts";
import { leaseSlot, lookupPrefix } from "../state/slots.ts";
import type { FromReplica, RequestId } from "./messages.ts";
import { type ReplicaState, sequenceOf, type TaskDraft } from "./replica-state.ts";

/**
 * Opens lanes for the chosen requests, in order, as long as lanes and pages allow; each starts with the longest prefix found sealed.
 * At least one token is always left to compute, because its logits are needed.
 */
export function admit(state: ReplicaState, chosen: readonly RequestId[], draft: TaskDraft): FromReplica[] {
  const messages: FromReplica[] = [];
  const waiting = new Set(state.waiting);
  for (const request of chosen) {
    if (!waiting.delete(request)) {
      state.policyRefusals++;
      continue;
    }
    const message = open(state, request, draft);
    if (message === undefined) break;
    messages.push(...message);
  }
  return messages;
}

function open(state: ReplicaState, request: RequestId, draft: TaskDraft): FromReplica[] | undefined {
  const sequence = sequenceOf(state, request);
  const lane = lowestFreeLane(state.lanes);
  // Room for all known tokens and the next one, so that a sequence just admitted is not preempted at once.
  const pages = pagesFor(sequence.known + 1);
  if (lane === undefined || !laneFits(state.lanes, lane, pages)) return undefined;
  setLanePages(state.lanes, lane, pages);
  const gather = lookupPrefix(state.slots, sequence.keys, Math.floor((sequence.known - 1) / BLOCK_TOKENS));
  for (const ref of gather) lease(state, ref, draft);
  sequence.lane = lane;
  sequence.computed = gather.length * BLOCK_TOKENS;
  sequence.sealed = gather.length;
  sequence.order = state.nextOrder++;
  state.waiting = state.waiting.filter((other) => other !== request);
  state.running.push(request);
  state.report.dirty = true;
  draft.opens.push({ lane, request, attempt: sequence.attempt, gather });
  if (sequence.started) return [];
  sequence.started = true;
  return [{ type: "started", request, attempt: sequence.attempt, cachedTokens: sequence.computed }];
}

function lease(state: ReplicaState, ref: SlotRef, draft: TaskDraft): void {
  if (planted("skipped-lease")) return;
  leaseSlot(state.slots, ref);
  draft.leased.push(ref);
}
