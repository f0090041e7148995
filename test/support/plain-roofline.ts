import { ok, type Result } from "../../src/base/result.ts";
import type { NoOperatorBasis, OperatorModel } from "../../src/cost/operator/operator-model.ts";
import type { OperatorQuery } from "../../src/cost/operator/operator-query.ts";
import type { Priced } from "../../src/cost/priced.ts";

/** Figures of a made-up device: 1,000 operations and 10 bytes a ns in every type, links of 1 byte a ns, no latency. */
export const FLOPS_PER_NS = 1000;
export const BYTES_PER_NS = 10;
export const LINK_BYTES_PER_NS = 1;
const BYTES: Readonly<Record<string, number>> = {
  bf16: 2,
  f16: 2,
  f8e4m3: 1,
  f8e5m2: 1,
  i8: 1,
  f4e2m1: 0.5625,
  i4: 0.5625,
  f32: 4,
  f64: 8,
};

/** Operators at the longer of arithmetic and weight or cache bytes, collectives at their bytes: figures a test can compute by hand. */
export const PLAIN_ROOFLINE: OperatorModel = {
  source: "plain roofline",
  price: (query): Result<Priced, NoOperatorBasis> => ok({ ns: plainNs(query), spread: 0, basis: "data-sheet" }),
};

export function plainNs(query: OperatorQuery): number {
  switch (query.op) {
    case "product":
      return Math.max((2 * query.m * query.n * query.k) / FLOPS_PER_NS, (query.n * query.k * BYTES[query.type]!) / BYTES_PER_NS);
    case "decode-attention": {
      const context = query.window > 0 ? Math.min(query.window, query.context) : query.context;
      return (query.batch * context * query.kvHeads * query.headDim * 2 * BYTES[query.kvType]!) / BYTES_PER_NS;
    }
    case "prefill-attention":
      return (4 * query.batch * query.heads * query.headDim * query.tokens * (query.context + (query.tokens + 1) / 2)) / FLOPS_PER_NS;
    case "latent-attention": {
      const { batch, tokens, context, heads, kvRank, rotatedDim } = query;
      return (batch * tokens * (context + tokens) * (kvRank + rotatedDim) * heads) / FLOPS_PER_NS;
    }
    case "sparse-attention": {
      const { batch, tokens, context, heads, kvRank, rotatedDim, chosen, indexHeads, indexDim } = query;
      const all = context + (query.phase === "prefill" ? tokens : 0);
      const scored = all > chosen ? context + tokens : 0;
      return (
        (batch * tokens * (Math.min(context + tokens, chosen) * (kvRank + rotatedDim) * heads + scored * indexHeads * indexDim)) /
        FLOPS_PER_NS
      );
    }
    case "experts": {
      const touched = Math.min(query.experts, query.tokens * query.active) / query.ranks.expert;
      return (touched * 3 * query.width * query.inner * BYTES[query.type]!) / query.ranks.tensor / BYTES_PER_NS;
    }
    case "stream":
      return query.bytes / BYTES_PER_NS;
    case "collective":
    case "point-to-point":
      return query.bytes / LINK_BYTES_PER_NS;
    case "dispatch":
      return (query.tokens * query.active * query.width * 2) / LINK_BYTES_PER_NS;
  }
}
