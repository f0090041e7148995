import type { PublishedClaim } from "./published-claims.ts";

const SOURCE = "Zhu et al. 2025, arXiv:2504.02263 (MegaScale-Infer)";

/**
 * Published figures of attention and feed-forwards on devices of their own, with tolerances that were fixed before the code that computes them.
 *
 * Given: Mixtral-8x22B in 16 bits on nodes of 8 A100 80 GB with a 200 Gbit/s card a GPU, decoding at a mean context of 650 tokens (571 read, 159 written), at most 150 ms
 * a token, 3 micro-batches. Plans are not published: of tensor ranks 1, 2, 4, 8 on either side, 8 expert ranks and up to 64 devices the one with most tokens/s a GPU is
 * taken, at its largest batch. The figure in heterogeneous racks (1.86 times the throughput a unit of cost) is left out: it rests on prices of devices we have no
 * source for.
 */
export const SPLIT_FFN_CLAIMS: readonly PublishedClaim[] = [
  {
    id: "split-ffn-two-micro-batches",
    statement: "Mixtral-8x22B on A100, feed-forwards apart: the plan with 2 micro-batches of the same size over 1: tokens/s",
    value: 1.9,
    unit: "ratio",
    tolerance: 0.15,
    source: `${SOURCE}, figure 14 (all three models)`,
  },
  {
    id: "split-ffn-three-micro-batches",
    statement: "Mixtral-8x22B on A100, feed-forwards apart: the plan with 3 micro-batches of the same size over 2: tokens/s",
    value: 1.1,
    unit: "ratio",
    tolerance: 0.15,
    source: `${SOURCE}, figure 14 (Mixtral-8x22B)`,
  },
  {
    id: "split-ffn-tokens-a-gpu",
    statement:
      "Mixtral-8x22B on A100, feed-forwards apart: the plan over TensorRT-LLM with tensor parallelism over 8 GPUs at its largest batch: tokens/s a GPU",
    value: 1.28,
    unit: "ratio",
    tolerance: 0.25,
    source: `${SOURCE}, figure 8 (at most, Mixtral-8x22B and DBRX)`,
  },
];
