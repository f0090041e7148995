import { planted } from "../base/planted-fault.ts";
import { BLOCK_TOKENS, pagesFor, type SlotRef } from "../state/block.ts";
import { laneFits, lowestFreeLane, setLanePages } from "../state/lanes.ts";
import { leaseSlot, lookupPrefix, prefixTokens } from "../state/slots.ts";
import type { FromReplica } from "./messages.ts";
import type { ReplicaState, Sequence, TaskDraft } from "./replica-state.ts";

/** Tokens of a waiting sequence that sealed blocks hold now. At least one is left to compute, because its logits are needed. */
export function cachedTokensOf(state: ReplicaState, sequence: Sequence): number {
  return prefixTokens(state.slots, sequence, sequence.known - 1);
}

/**
 * Opens a lane for a waiting sequence, with the longest prefix found sealed; false where no lane or pages are left. Its known tokens must fit,
 * and beside others a spare page for every lane, so that they can grow for a while before one of them is preempted.
 */
export function open(state: ReplicaState, sequence: Sequence, draft: TaskDraft, messages: FromReplica[]): boolean {
  const lane = lowestFreeLane(state.lanes);
  const pages = pagesFor(sequence.known + 1);
  const sparePages = state.running.length > 0 ? 1 : 0;
  if (lane === undefined || !laneFits(state.lanes, lane, pages, sparePages)) return false;
  setLanePages(state.lanes, lane, pages);
  const { refs, tokens } = lookupPrefix(state.slots, sequence, sequence.known - 1);
  for (const ref of refs) lease(state, ref, draft);
  sequence.lane = lane;
  sequence.computed = tokens;
  sequence.prefilled = tokens;
  sequence.sealed = Math.floor(tokens / BLOCK_TOKENS);
  state.waiting.splice(state.waiting.indexOf(sequence.request), 1);
  state.running.push(sequence.request);
  state.report.dirty = true;
  draft.opens.push({
    lane,
    request: sequence.request,
    attempt: sequence.attempt,
    tokens: sequence.known,
    gather: refs,
    gatherTokens: tokens,
  });
  if (sequence.started) return true;
  sequence.started = true;
  state.counts.cachedTokens += sequence.computed;
  messages.push({ type: "started", request: sequence.request, attempt: sequence.attempt, cachedTokens: sequence.computed });
  return true;
}

function lease(state: ReplicaState, ref: SlotRef, draft: TaskDraft): void {
  if (planted("skipped-lease")) return;
  leaseSlot(state.slots, ref);
  draft.leased.push(ref);
}
