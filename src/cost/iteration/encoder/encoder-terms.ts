import type { Attention } from "../../../graph/architecture/attention.ts";
import type { OperatorQuery } from "../../operator/operator-query.ts";
import { collective, STREAM_BYTES, stream } from "../terms/site.ts";
import type { Term } from "../terms/term.ts";
import type { EncoderModel } from "./encoder-model.ts";

/** Kernels of attention compute heads of a multiple of so many elements. Source: Dao-AILab/flash-attention csrc/flash_attn/flash_api.cpp (`head_size_rounded`). */
const HEAD_STEP = 32;
/** Bytes a norm and the addition before it move for each element: two read, two written. */
const NORM_PASSES = 4;
/** Copies of queries, keys and values a layer makes: rotation; each is read and written. */
const ROTARY_COPIES = 4;

/**
 * Terms of an encoder's pass over its patches: `tokens` are patches, `prefill` images of as many patches each, `sequences` tokens that are handed on.
 *
 * Model: weights and products in 16 bits, as engines keep encoders whatever the decoder's format. Every patch of an image sees every other, so a query of
 * causal attention stands for it whose mean context is that of all; squares are as many as fill the patches. Tensor ranks share each product, and sum.
 */
export function encoderTerms(
  model: EncoderModel,
  { tensor, perNode }: { readonly tensor: number; readonly perNode: number },
): readonly Term[] {
  const { width, layers, blocks, outlet } = model;
  const sum: readonly Term[] =
    tensor === 1
      ? []
      : [
          {
            name: "tensor exchange",
            repeat: 2 * layers,
            over: "tokens",
            queries: (patches) => [collective({ perNode }, "all-reduce", tensor, patches * width * STREAM_BYTES)],
          },
          {
            name: "tensor exchange",
            repeat: outlet.times,
            over: "sequences",
            queries: (tokens) => [collective({ perNode }, "all-reduce", tensor, tokens * outlet.products.at(-1)! * STREAM_BYTES)],
          },
        ];
  return [
    { name: "projections", repeat: 1, over: "tokens", queries: (patches) => [product(patches, width, model.patchElements)] },
    { name: "norms", repeat: 2 * layers, over: "tokens", queries: (patches) => [stream(patches * width * STREAM_BYTES * NORM_PASSES)] },
    ...blocks.flatMap(({ block, count }): readonly Term[] => {
      if (block.kind === "attention") return attention(block, count, { width, tensor });
      const inner = block.inner / tensor;
      const columns = block.gated ? 2 * inner : inner;
      return [
        { name: "feed-forward", repeat: count, over: "tokens", queries: (patches) => [product(patches, columns, width)] },
        { name: "feed-forward", repeat: count, over: "tokens", queries: (patches) => [product(patches, width, inner)] },
        { name: "norms", repeat: count, over: "tokens", queries: (patches) => [stream(patches * (columns + inner) * STREAM_BYTES)] },
      ];
    }),
    ...outlet.products.map((outputs, at): Term => {
      const inputs = at === 0 ? outlet.width : outlet.products[at - 1]!;
      // Ranks share the columns of all but the last product, and its rows.
      const [n, k] = at === outlet.products.length - 1 && at > 0 ? [outputs, inputs / tensor] : [outputs / tensor, inputs];
      return { name: "projections", repeat: outlet.times, over: "sequences", queries: (tokens) => [product(tokens, n, k)] };
    }),
    ...sum,
  ];
}

function attention(
  block: Attention,
  repeat: number,
  { width, tensor }: { readonly width: number; readonly tensor: number },
): readonly Term[] {
  const heads = block.heads / tensor;
  const columns = 3 * heads * block.headDim;
  const headDim = Math.ceil(block.headDim / HEAD_STEP) * HEAD_STEP;
  const over = (batch: number, patches: number): OperatorQuery => ({
    op: "prefill-attention",
    batch,
    tokens: patches,
    context: (patches - 1) / 2,
    heads,
    kvHeads: heads,
    headDim,
    window: 0,
    type: "bf16",
    kvType: "bf16",
  });
  const { reach } = block;
  return [
    { name: "projections", repeat, over: "tokens", queries: (patches) => [product(patches, columns, width)] },
    { name: "projections", repeat, over: "tokens", queries: (patches) => [product(patches, width, heads * block.headDim)] },
    ...(block.rotary
      ? [
          {
            name: "norms",
            repeat,
            over: "tokens",
            queries: (patches: number) => [stream(patches * columns * STREAM_BYTES * ROTARY_COPIES)],
          } as const,
        ]
      : []),
    reach.kind === "all"
      ? { name: "attention", repeat, over: "prefill", queries: (images, patches) => [over(images, patches)] }
      : { name: "attention", repeat, over: "tokens", queries: (patches) => [over(Math.max(1, patches / reach.tokens), reach.tokens)] },
  ];
}

function product(m: number, n: number, k: number): OperatorQuery {
  return { op: "product", m, n, k, type: "bf16" };
}
