import { planted } from "../base/planted-fault.ts";
import { BLOCK_TOKENS, type BlockKey } from "../state/block.ts";
import { reserveSlot, sealSlot } from "../state/slots.ts";
import type { ReplicaConfig, ReplicaState, ReportState, Sequence, TaskDraft, TaskInFlight } from "./replica-state.ts";

/**
 * Plans the sealing of blocks that are whole once the lane holds `upTo` tokens, the first `prefilled` of them from prefill. Where no slot can be
 * had now, the block waits for a later task of the sequence.
 */
export function planSeals(
  state: ReplicaState,
  config: ReplicaConfig,
  given: { readonly sequence: Sequence; readonly upTo: number; readonly prefilled: number; readonly draft: TaskDraft },
): void {
  const { sequence, upTo, draft } = given;
  const { lane, request } = sequence;
  if (lane === undefined) return;
  const limit = (config.sealDecoded === true ? upTo : given.prefilled) + (planted("seal-early") ? 1 : 0);
  // A sequence longer than the store would evict its own beginning, without which the rest is of no use.
  while ((sequence.sealed + 1) * BLOCK_TOKENS <= limit && sequence.sealed < state.slots.capacity) {
    const block = sequence.sealed;
    const key = sequence.keys[block];
    if (key === undefined || !state.slots.byKey.has(key)) {
      const target = reserveSlot(state.slots, (evicted) => noteEvicted(state.report, evicted));
      if (target === undefined) return;
      draft.seals.push({ lane, block, target });
      draft.sealers.push(request);
    }
    sequence.sealed++;
  }
}

/** Makes the blocks of a finished task readable under the keys the executor computed. */
export function publishSeals(state: ReplicaState, task: TaskInFlight, keys: readonly BlockKey[]): void {
  task.seals.forEach(({ request, block, target }, i) => {
    const key = keys[i]!;
    const own = state.sequences.get(request)?.keys;
    if (own !== undefined && own[block] !== key && block <= own.length) {
      // The numerics that made the block are the executor's to say; what was believed about it and its successors does not hold.
      if (own[block] !== undefined) state.counts.keyMismatches++;
      own.length = block;
      own.push(key);
    }
    if (sealSlot(state.slots, target, key)) noteSealed(state.report, key);
  });
}

/** Within one report a block that came and went is not mentioned. */
function noteSealed(report: ReportState, key: BlockKey): void {
  if (!report.evicted.delete(key)) report.sealed.set(key, true);
}

function noteEvicted(report: ReportState, key: BlockKey): void {
  if (!report.sealed.delete(key)) report.evicted.set(key, true);
}
