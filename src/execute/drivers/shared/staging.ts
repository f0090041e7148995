import { BLOCK_TOKENS, type SlotRef } from "../../../state/block.ts";
import type { PageShape } from "./page-pool.ts";

/** Keys and values of a sequence whose prompt comes in: contiguous, as prefill graphs read them. */
export interface Staging {
  /** Pages its sequence was opened for. */
  readonly pages: number;
  /** Tokens there is room for: those pages', or more where the memory was laid out for more. */
  readonly capacity: number;
  /** One a layer and kind, as the stage lays tokens out; the start of memory that may be larger. */
  readonly buffers: readonly Float32Array[];
  readonly memory: readonly Float32Array[];
  /** Sealed blocks whose leading tokens lie here, by place; none where a prompt's tokens were never sealed. */
  readonly held: (HeldBlock | undefined)[];
}

/** A sealed block never changes in its generation, so neither does what was copied from or to it. */
export interface HeldBlock extends SlotRef {
  readonly tokens: number;
}

/** The last staging that was given back: the next one need not fault its memory in anew, nor gather again what still lies there. */
export interface StagingMemory {
  spare: Staging | undefined;
}

/** Room for a sequence of `pages` pages that begins with `first`: laid out as before where that block is still there. */
export function takeStaging(
  store: StagingMemory,
  { buffers, kvHeads, headDim }: PageShape,
  { pages, first }: { readonly pages: number; readonly first: SlotRef | undefined },
): Staging {
  const { spare } = store;
  const needed = pages * BLOCK_TOKENS;
  if (spare !== undefined && spare.capacity >= needed && first !== undefined && holds(spare, 0, { ...first, tokens: 0 })) {
    store.spare = undefined;
    return { ...spare, pages };
  }
  const floats = kvHeads * needed * headDim;
  const fits = spare !== undefined && spare.memory[0]!.length >= floats;
  const memory = fits ? spare.memory : Array.from({ length: buffers }, () => new Float32Array(floats));
  if (fits) store.spare = undefined;
  return { pages, capacity: needed, memory, buffers: memory.map((whole) => whole.subarray(0, floats)), held: [] };
}

/** The newest is kept, unless it is smaller. */
export function giveStaging(store: StagingMemory, staging: Staging): void {
  if (store.spare === undefined || store.spare.memory[0]!.length <= staging.memory[0]!.length) store.spare = staging;
}

/** Whether the leading tokens of a sealed block lie at a place already. */
export function holds({ held }: Staging, index: number, { slot, generation, tokens }: HeldBlock): boolean {
  const there = held[index];
  return there !== undefined && there.slot === slot && there.generation === generation && there.tokens >= tokens;
}
