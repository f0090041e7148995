import { assert, must } from "../../base/assert.ts";
import type { SubmitMessage } from "../../engine/messages.ts";
import { BLOCK_TOKENS, type BlockKey, PART_TOKENS } from "../../state/block.ts";
import { type KeyScope, rootKey, runKeys } from "../../state/block-key.ts";
import type { SubmitWork } from "./host-protocol.ts";
import type { NumericsLabel } from "./numerics-label.ts";

/** What the keys of a list depend on besides its tokens. */
export interface Naming {
  readonly scope: KeyScope;
  readonly label: NumericsLabel;
}

/** The tokens of one attempt of a request with the keys of its computed blocks. */
export interface TokenList {
  readonly work: SubmitWork;
  /** Prompt, delivered tokens and what was generated here. */
  readonly tokens: number[];
  /** Keys of whole blocks from the start: of the prompt as the front end expects them, then as each block was computed here. */
  readonly keys: BlockKey[];
  /** Of the blocks completed here, the keys of their first 8, 16, … tokens. */
  readonly runs: (readonly BlockKey[] | undefined)[];
  /** Tokens of the block being filled that prefill rows computed or sealed blocks brought. */
  prefilled: number;
}

export function tokenList(message: SubmitMessage, work: SubmitWork): TokenList {
  assert(work.tokens.length === message.promptTokens, "the tokens of a submit are those it counts", message.request);
  return { work, tokens: Array.from(work.tokens), keys: [...message.keys], runs: [], prefilled: 0 };
}

/** Notes that a row computes tokens [start, start + count) and names the blocks it completes. */
export function noteRow(
  list: TokenList,
  row: { readonly phase: "prefill" | "decode"; readonly start: number; readonly count: number },
  naming: Naming,
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

/** Notes that a lane begins with `tokens` tokens from sealed blocks: the last of these may go on being filled here. */
export function noteGather(list: TokenList, tokens: number): void {
  list.prefilled = tokens % BLOCK_TOKENS;
}

/** Keys of the first 8, 16, … of the leading `tokens` tokens of a block that was computed here, all of them known. */
export function sealedKeys(
  list: TokenList,
  seal: { readonly block: number; readonly tokens: number },
  naming: Naming,
): readonly BlockKey[] {
  const { block, tokens } = seal;
  if (tokens === BLOCK_TOKENS) return must(list.runs[block], "a sealed block is complete");
  return partKeys(list, { block, count: tokens }, naming);
}

function nameBlock(list: TokenList, block: number, naming: Naming): void {
  assert(block <= list.keys.length, "blocks are completed in order", { block, known: list.keys.length });
  const run = partKeys(list, { block, count: BLOCK_TOKENS }, naming);
  const key = run.at(-1)!;
  list.runs[block] = run;
  if (list.keys[block] === key) return;
  // Computed another way than expected (or than before a preemption): what was believed about its successors does not hold either.
  list.keys.length = block;
  list.keys.push(key);
}

/** A part that decode steps touched is named like a block that they did: by where they began. */
function partKeys(list: TokenList, part: { readonly block: number; readonly count: number }, { scope, label }: Naming): BlockKey[] {
  const { block, count } = part;
  const parent = block === 0 ? rootKey(scope) : must(list.keys[block - 1], "a block has a parent");
  const keysBy = (numerics: string): BlockKey[] => runKeys(parent, list.tokens, { from: block * BLOCK_TOKENS, count, numerics });
  const [pure, mixed] = [label(BLOCK_TOKENS), label(list.prefilled)];
  if (pure === mixed || list.prefilled >= count) return keysBy(pure);
  const prefilledParts = Math.floor(list.prefilled / PART_TOKENS);
  return [...keysBy(pure).slice(0, prefilledParts), ...keysBy(mixed).slice(prefilledParts)];
}
