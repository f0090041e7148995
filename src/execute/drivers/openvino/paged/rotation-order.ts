import type { DecoderSpec } from "../../../../graph/decoder/spec.ts";

/**
 * Where the graph has each feature of a head, which rotates feature i with i + headDim/2: the model's feature at each place. Pairs that lie beside
 * each other in the model are drawn apart; products of queries and keys are the same in any order.
 */
export function rotationOrder({ headDim, rope }: Pick<DecoderSpec, "headDim" | "rope">): Int32Array {
  const half = headDim / 2;
  return Int32Array.from({ length: headDim }, (_, at) => (rope.interleaved ? (at < half ? 2 * at : 2 * (at - half) + 1) : at));
}

/** The same for `heads` heads one after another. */
export function inHeads(order: Int32Array, heads: number): Int32Array {
  return Int32Array.from({ length: order.length * heads }, (_, at) => at - (at % order.length) + order[at % order.length]!);
}
