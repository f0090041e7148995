import { assert } from "../../base/assert.ts";
import type { SubmitMessage } from "../../engine/messages.ts";
import { BLOCK_TOKENS, type BlockKey } from "../../state/block.ts";
import { blockKey, type KeyScope, rootKey } from "../../state/block-key.ts";
import type { SubmitWork } from "./host-protocol.ts";
import type { NumericsLabel } from "./numerics-label.ts";

/** The tokens of one attempt of a request with the keys of its computed blocks. */
export interface TokenList {
  readonly work: SubmitWork;
  /** Prompt, delivered tokens and what was generated here. */
  readonly tokens: number[];
  /** Keys of whole blocks from the start: of the prompt as the front end expects them, then as each block was computed here. */
  readonly keys: BlockKey[];
  /** Tokens of the block being filled that prefill rows computed. */
  prefilled: number;
}

export function tokenList(message: SubmitMessage, work: SubmitWork): TokenList {
  assert(work.tokens.length === message.promptTokens, "the tokens of a submit are those it counts", message.request);
  return { work, tokens: Array.from(work.tokens), keys: [...message.keys], prefilled: 0 };
}

/** Notes that a row computes tokens [start, start + count) and names the blocks it completes. */
export function noteRow(
  list: TokenList,
  row: { readonly phase: "prefill" | "decode"; readonly start: number; readonly count: number },
  naming: { readonly scope: KeyScope; readonly label: NumericsLabel },
): void {
  const end = row.start + row.count;
  for (let at = row.start; at < end; ) {
    const blockEnd = (Math.floor(at / BLOCK_TOKENS) + 1) * BLOCK_TOKENS;
    const upTo = Math.min(end, blockEnd);
    if (at === blockEnd - BLOCK_TOKENS) list.prefilled = 0;
    if (row.phase === "prefill") list.prefilled += upTo - at;
    if (upTo === blockEnd) nameBlock(list, blockEnd / BLOCK_TOKENS - 1, naming);
    at = upTo;
  }
}

function nameBlock(list: TokenList, block: number, { scope, label }: { scope: KeyScope; label: NumericsLabel }): void {
  assert(block <= list.keys.length, "blocks are completed in order", { block, known: list.keys.length });
  const parent = list.keys[block - 1] ?? rootKey(scope);
  const key = blockKey(parent, list.tokens, { from: block * BLOCK_TOKENS, numerics: label(list.prefilled) });
  if (list.keys[block] === key) return;
  // Computed another way than expected (or than before a preemption): what was believed about its successors does not hold either.
  list.keys.length = block;
  list.keys.push(key);
}
