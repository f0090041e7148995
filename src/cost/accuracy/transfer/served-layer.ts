import type { PeakType } from "../../../rack/peak-type.ts";
import type { OperatorQuery } from "../../operator/operator-query.ts";

/** Sizes of a dense decoder that was timed as a whole. */
export interface TimedDecoder {
  readonly name: string;
  readonly layers: number;
  readonly width: number;
  readonly inner: number;
  /** Products of the feed-forward block that read the input: 2 with a gate. */
  readonly inputProducts: 1 | 2;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly type: PeakType;
}

/** A timed phase: a prompt of `tokens` in each of `batch` sequences, or one token each after `context` others. */
export interface TimedPhase {
  readonly phase: "prompt" | "token";
  readonly batch: number;
  readonly tokens: number;
  readonly context: number;
}

/** Operators of one layer on one of `shards` devices, exchange left out. */
export function layerQueries(decoder: TimedDecoder, timed: TimedPhase, shards: number): readonly OperatorQuery[] {
  const { width, inner, inputProducts, headDim, type } = decoder;
  const heads = decoder.heads / shards;
  const kvHeads = Math.max(1, decoder.kvHeads / shards);
  const rows = timed.batch * (timed.phase === "prompt" ? timed.tokens : 1);
  const product = (n: number, k: number): OperatorQuery => ({ op: "product", m: rows, n, k, type });
  const shared = { batch: timed.batch, heads, kvHeads, headDim, window: 0, kvType: type };
  const attention: OperatorQuery =
    timed.phase === "prompt"
      ? { op: "prefill-attention", tokens: timed.tokens, context: 0, type, ...shared }
      : { op: "decode-attention", context: timed.context, ...shared };
  const stream = (elements: number): OperatorQuery => ({ op: "stream", bytes: 2 * rows * elements });
  return [
    product((heads + 2 * kvHeads) * headDim, width),
    attention,
    product(width, heads * headDim),
    product((inputProducts * inner) / shards, width),
    product(width, inner / shards),
    stream(4 * width),
    stream(4 * width),
    stream(((inputProducts + 1) * inner) / shards),
    stream(2 * (heads + kvHeads) * headDim),
  ];
}
