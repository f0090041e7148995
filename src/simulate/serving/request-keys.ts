import { HeddleError } from "../../base/heddle-error.ts";
import { emptyIntTable, type IntTable, insertKey, lookUp } from "../../base/int-table.ts";
import { createPrefixNames } from "../workload/columns/prefix-names.ts";
import type { RequestColumns } from "./serving-input.ts";

/** Keys of the prompts as the engine's block pools use them. */
export interface RequestKeys {
  readonly keyStart: Int32Array;
  readonly keys: Int32Array;
  /** Keys are 0 to `keyCount` - 1. */
  readonly keyCount: number;
  /** Engine blocks a key covers. */
  readonly keyBlocks: number;
}

/**
 * Keys of the whole blocks of each prompt, in engine blocks. Where the trace's blocks are shorter than the engine's, the last of so many
 * names the engine block, since an id stands for its block and everything before it. The incomplete last block of a prompt is not shared, and nothing
 * across adapters: their keys and values differ.
 *
 * Errors: `workload-invalid` where neither block size is a multiple of the other.
 */
export function requestKeys(requests: RequestColumns, blockTokens: number): RequestKeys {
  const { count, blockStart, blockIds, blockTokens: traceTokens, promptTokens, adapter } = requests;
  const keyStart = new Int32Array(count + 1);
  if (blockIds.length === 0) return { keyStart, keys: new Int32Array(0), keyCount: 0, keyBlocks: 1 };
  const stride = Math.max(1, blockTokens / traceTokens);
  const keyBlocks = Math.max(1, traceTokens / blockTokens);
  if (!Number.isInteger(stride) || !Number.isInteger(keyBlocks)) {
    throw new HeddleError("workload-invalid", {
      where: "blockTokens",
      detail: `prefix blocks of ${traceTokens} tokens and engine blocks of ${blockTokens}: one must be a multiple of the other`,
    });
  }
  const keyTokens = keyBlocks * blockTokens;
  const keys = new Int32Array(Math.floor(blockIds.length / stride));
  const dense = emptyIntTable();
  const names = adapter === undefined ? undefined : createPrefixNames();
  let size = 0;
  for (let i = 0; i < count; i++) {
    const given = Math.floor((blockStart[i + 1]! - blockStart[i]!) / stride);
    const whole = Math.min(given, Math.floor(promptTokens[i]! / keyTokens));
    for (let k = 0; k < whole; k++) {
      const id = blockIds[blockStart[i]! + (k + 1) * stride - 1]!;
      keys[size++] = names === undefined ? denseKey(dense, id) : names.name(adapter![i]!, id);
    }
    keyStart[i + 1] = size;
  }
  return { keyStart, keys: keys.slice(0, size), keyCount: names?.count ?? dense.size, keyBlocks };
}

function denseKey(dense: IntTable, id: number): number {
  const known = lookUp(dense, id);
  if (known >= 0) return known;
  insertKey(dense, id, dense.size);
  return dense.size - 1;
}
