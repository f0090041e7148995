import { must } from "../base/assert.ts";
import { planted } from "../base/planted-fault.ts";
import { BLOCK_TOKENS, type BlockKey, PART_TOKENS, PARTS_PER_BLOCK } from "../state/block.ts";
import { isWhole, reserveSlot, sealSlot } from "../state/slots.ts";
import type { ReplicaConfig, ReplicaState, ReportState, Sequence, TaskDraft, TaskInFlight } from "./replica-state.ts";

/** A sequence with rows in the task being put together. */
export interface Sealing {
  readonly sequence: Sequence;
  /** Tokens its lane holds once they are done. */
  readonly upTo: number;
  /** The first of them, which come from prefill. */
  readonly prefilled: number;
  /** Its prompt ends with these rows. */
  readonly complete: boolean;
  readonly draft: TaskDraft;
}

/**
 * Plans the sealing of blocks that are whole once the lane holds `upTo` tokens, and of the incomplete one that a complete prompt ends in. Where no slot
 * can be had now, a whole block waits for a later task of the sequence.
 */
export function planSeals(state: ReplicaState, config: ReplicaConfig, sealing: Sealing): void {
  const { sequence, upTo } = sealing;
  if (sequence.lane === undefined) return;
  const limit = (config.sealDecoded === true ? upTo : sealing.prefilled) + (planted("seal-early") ? 1 : 0);
  // A sequence longer than the store would evict its own beginning, without which the rest is of no use.
  while ((sequence.sealed + 1) * BLOCK_TOKENS <= limit && sequence.sealed < state.slots.capacity) {
    if (!planSeal(state, sealing, { tokens: BLOCK_TOKENS, key: sequence.keys[sequence.sealed] })) return;
    sequence.sealed++;
  }
  const rest = limit - sequence.sealed * BLOCK_TOKENS;
  if (!sealing.complete || rest < PART_TOKENS || rest >= BLOCK_TOKENS || sequence.sealed >= state.slots.capacity) return;
  const parts = Math.floor(rest / PART_TOKENS);
  planSeal(state, sealing, { tokens: parts * PART_TOKENS, key: sequence.parts[sequence.sealed * PARTS_PER_BLOCK + parts - 1] });
}

/** Plans to seal leading tokens of the first block that is not, unless they are sealed already; false where no slot can be had. */
function planSeal(
  state: ReplicaState,
  { sequence, draft }: Sealing,
  { tokens, key }: { readonly tokens: number; readonly key: BlockKey | undefined },
): boolean {
  if (key !== undefined && state.slots.byKey.has(key)) return true;
  const target = reserveSlot(state.slots, (evicted) => noteEvicted(state.report, evicted));
  if (target === undefined) return false;
  draft.seals.push({ lane: must(sequence.lane, "a sequence that computes has a lane"), block: sequence.sealed, tokens, target });
  draft.sealers.push(sequence.request);
  return true;
}

/** Makes the blocks of a finished task readable under the keys the executor computed. */
export function publishSeals(state: ReplicaState, task: TaskInFlight, sealedKeys: readonly (readonly BlockKey[])[]): void {
  task.seals.forEach(({ request, block, target }, i) => {
    const keys = sealedKeys[i]!;
    const sequence = state.sequences.get(request);
    if (sequence !== undefined && isWhole(keys)) learnKeys(state, sequence, { block, keys });
    if (sealSlot(state.slots, target, keys) && isWhole(keys)) noteSealed(state.report, keys.at(-1)!);
  });
}

/** The numerics that made a block are the executor's to say: where its key is another one, what was believed about its successors does not hold. */
function learnKeys(state: ReplicaState, sequence: Sequence, made: { readonly block: number; readonly keys: readonly BlockKey[] }): void {
  const { keys: own, parts } = sequence;
  const { block, keys } = made;
  const key = keys.at(-1)!;
  if (own[block] === key || block > own.length) return;
  if (own[block] !== undefined) state.counts.keyMismatches++;
  own.length = block;
  own.push(key);
  parts.length = block * PARTS_PER_BLOCK;
  parts.push(...keys.slice(0, PARTS_PER_BLOCK));
}

/** Within one report a block that came and went is not mentioned. */
function noteSealed(report: ReportState, key: BlockKey): void {
  if (!report.evicted.delete(key)) report.sealed.set(key, true);
}

function noteEvicted(report: ReportState, key: BlockKey): void {
  if (!report.sealed.delete(key)) report.evicted.set(key, true);
}
