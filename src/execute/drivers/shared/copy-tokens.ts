/** Head by head, [KV, capacity, D], or token by token, [capacity, KV, D]. */
export type TokenLayout = "heads" | "tokens";

/** Keys or values of consecutive tokens in a buffer. */
export interface LaidTokens {
  readonly data: Float32Array;
  readonly layout: TokenLayout;
  /** Tokens there is room for. */
  readonly capacity: number;
  /** Place of the first of them. */
  readonly first: number;
  /** Where the room begins. Units: floats. */
  readonly offset: number;
}

export interface TokenShape {
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Copies keys or values of `tokens` tokens; whole runs of memory where both sides lie alike. */
export function copyTokens(from: LaidTokens, to: LaidTokens, tokens: number, { kvHeads, headDim }: TokenShape): void {
  if (from.layout === "tokens" && to.layout === "tokens") {
    copy(from, to, tokens * kvHeads * headDim, { kvHeads, headDim, head: 0, token: 0 });
    return;
  }
  const run = from.layout === to.layout ? tokens : 1;
  for (let head = 0; head < kvHeads; head++) {
    for (let token = 0; token < tokens; token += run) copy(from, to, run * headDim, { kvHeads, headDim, head, token });
  }
}

interface Place extends TokenShape {
  readonly head: number;
  readonly token: number;
}

function copy(from: LaidTokens, to: LaidTokens, floats: number, place: Place): void {
  const start = startOf(from, place);
  to.data.set(from.data.subarray(start, start + floats), startOf(to, place));
}

function startOf({ layout, capacity, first, offset }: LaidTokens, { kvHeads, headDim, head, token }: Place): number {
  const row = layout === "heads" ? head * capacity + first + token : (first + token) * kvHeads + head;
  return offset + row * headDim;
}
