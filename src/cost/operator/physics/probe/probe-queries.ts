import type { PeakType } from "../../../../rack/peak-type.ts";
import type { ConstantSlot } from "../constant-slot.ts";
import type { ComputeQuery } from "../operator-time.ts";
import type { ProductClass } from "../physics-constants.ts";

/** Type that stands for a class in a microbenchmark. */
const TYPE_OF: Readonly<Record<ProductClass, PeakType>> = {
  wide: "f32",
  half: "bf16",
  eight: "f8e4m3",
  eightBlock: "f8e4m3",
  four: "f4e2m1",
  packed: "bf16",
};

/**
 * Microbenchmarks that tell the constants of a slot on a device nobody has measured: at most six calls, each about what one of them decides.
 *
 * Products: a call that computes nothing, weights at the memory's rate, a large square, three between. Attention: launch, many short, few long, many
 * long. Experts: few and many tokens, all experts held or an eighth. Streams: small, in the cache, beyond it.
 */
export function probeQueries(slot: ConstantSlot): readonly ComputeQuery[] {
  switch (slot) {
    case "prefill-attention":
      return [
        prefill(1, 64),
        prefill(1, 1024),
        prefill(1, 8192),
        prefill(16, 512),
        prefill(8, 2048),
        { ...prefill(1, 256), context: 16_384 },
      ];
    case "decode-attention":
      return [decode(1, 512), decode(1, 16_384), decode(8, 4096), decode(32, 1024), decode(256, 128), decode(128, 4096)];
    case "latent-attention":
      return [
        latent("decode", 1, 1, 128),
        latent("decode", 64, 1, 1024),
        latent("decode", 64, 1, 16_384),
        latent("prefill", 1, 1024, 0),
        latent("prefill", 1, 8192, 0),
        latent("prefill", 8, 1024, 0),
      ];
    case "sparse-attention":
      return [
        sparse("decode", 1, 1, 128),
        sparse("decode", 64, 1, 2048),
        sparse("decode", 1, 1, 131_072),
        sparse("decode", 64, 1, 32_768),
        sparse("prefill", 1, 8192, 0),
        sparse("prefill", 1, 2048, 65_536),
      ];
    case "stream":
      return [stream(8192), stream(8e6), stream(6e7), stream(4e8)];
    default:
      return slot.startsWith("product") ? products(classIn(slot)) : experts(classIn(slot));
  }
}

function classIn(slot: ConstantSlot): ProductClass {
  return slot.slice(slot.indexOf(" ") + 1) as ProductClass;
}

function products(kind: ProductClass): readonly ComputeQuery[] {
  const sizes = [
    [1, 128, 128],
    [16, 8192, 8192],
    [4096, 8192, 8192],
    [256, 4096, 4096],
    [64, 2048, 2048],
    [2048, 1024, 4096],
  ] as const;
  return sizes.map(([m, n, k]) => ({
    op: "product",
    m,
    n,
    k,
    type: TYPE_OF[kind],
    ...marks(kind),
  }));
}

/** What tells block scales and packed weights. */
function marks(kind: ProductClass): { readonly blockScaled?: true; readonly weightType?: PeakType } {
  if (kind === "packed") return { weightType: "i4" };
  return kind === "eightBlock" ? { blockScaled: true } : {};
}

function experts(kind: ProductClass): readonly ComputeQuery[] {
  const runs = [
    [1, 1],
    [64, 1],
    [1024, 1],
    [8192, 1],
    [256, 8],
    [8192, 8],
  ] as const;
  return runs.map(([tokens, expert]) => ({
    op: "experts",
    tokens,
    width: 4096,
    inner: 1536,
    active: 8,
    experts: 128,
    ranks: { tensor: 1, expert },
    type: TYPE_OF[kind],
    ...marks(kind),
    load: { powerLaw: 1.2 },
  }));
}

function prefill(batch: number, tokens: number): ComputeQuery & { readonly op: "prefill-attention" } {
  const heads = { heads: 32, kvHeads: 8, headDim: 128, window: 0 };
  return { op: "prefill-attention", batch, tokens, context: 0, ...heads, type: "bf16", kvType: "bf16" };
}

function decode(batch: number, context: number): ComputeQuery {
  return { op: "decode-attention", batch, context, heads: 32, kvHeads: 8, headDim: 128, window: 0, kvType: "bf16" };
}

function latent(phase: "prefill" | "decode", batch: number, tokens: number, context: number): ComputeQuery {
  const sizes = { heads: 16, width: 7168, queryRank: 1536, kvRank: 512, plainDim: 128, rotatedDim: 64, valueDim: 128 };
  return { op: "latent-attention", phase, batch, tokens, context, ...sizes, type: "bf16", kvType: "bf16" };
}

function sparse(phase: "prefill" | "decode", batch: number, tokens: number, context: number): ComputeQuery {
  const sizes = { heads: 16, width: 7168, queryRank: 1536, kvRank: 512, plainDim: 128, rotatedDim: 64, valueDim: 128 };
  const indexer = { chosen: 2048, indexHeads: 64, indexDim: 128 };
  return { op: "sparse-attention", phase, batch, tokens, context, ...sizes, ...indexer, type: "bf16", kvType: "bf16" };
}

function stream(bytes: number): ComputeQuery {
  return { op: "stream", bytes };
}
