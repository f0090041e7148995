import { BLOCK_TOKENS } from "../../../state/block.ts";
import type { PageShape } from "./page-pool.ts";

/** Keys and values of a sequence whose prompt comes in: contiguous, as prefill graphs read them. */
export interface Staging {
  /** Tokens there is room for: the known ones of the sequence, in whole pages. */
  readonly capacity: number;
  /** One a layer and kind, [KV, capacity, D]; the start of memory that may be larger. */
  readonly buffers: readonly Float32Array[];
  readonly memory: readonly Float32Array[];
}

/** Memory of the last staging that was given back, so that the next one need not fault it in anew. */
export interface StagingMemory {
  spare: readonly Float32Array[] | undefined;
}

export function takeStaging(store: StagingMemory, { buffers, kvHeads, headDim }: PageShape, capacity: number): Staging {
  const floats = kvHeads * capacity * headDim;
  const kept = store.spare;
  const fits = kept !== undefined && kept[0]!.length >= floats;
  const memory = fits ? kept : Array.from({ length: buffers }, () => new Float32Array(floats));
  if (fits) store.spare = undefined;
  return { capacity, memory, buffers: memory.map((whole) => whole.subarray(0, floats)) };
}

/** The larger memory is kept. */
export function giveStaging(store: StagingMemory, { memory }: Staging): void {
  if (store.spare === undefined || store.spare[0]!.length < memory[0]!.length) store.spare = memory;
}

/** Copies the leading tokens of one block of one buffer between a staging and a block or page, [KV, T, D] at `offset` of `block`. */
export function copyStaged(
  staged: Float32Array,
  block: Float32Array,
  copy: { shape: PageShape; capacity: number; index: number; tokens: number; offset: number; toStaging: boolean },
): void {
  const { shape, capacity, index, tokens, offset, toStaging } = copy;
  const size = tokens * shape.headDim;
  for (let head = 0; head < shape.kvHeads; head++) {
    const inStaging = (head * capacity + index * BLOCK_TOKENS) * shape.headDim;
    const inBlock = offset + head * BLOCK_TOKENS * shape.headDim;
    if (toStaging) staged.set(block.subarray(inBlock, inBlock + size), inStaging);
    else block.set(staged.subarray(inStaging, inStaging + size), inBlock);
  }
}
