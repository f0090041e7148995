import type { LatentAttention } from "../../graph/architecture/attention.ts";
import { storedBytes } from "../operator/stored-bytes.ts";
import type { Cut, Formats } from "./cut.ts";
import type { DecoderBlocks, PricedBlock } from "./decoder-blocks.ts";

/** Weights that stay in 16 bits whatever the format: embeddings, head, routers. */
const PLAIN_BYTES = 2;

/** Parameters of a model as serving keeps them, by how they are cut. Small ones (norms, biases) are left out: below 0.1 %. */
export interface DecoderParameters {
  /** Attention, mixers and dense feed-forwards. */
  readonly dense: number;
  readonly routed: number;
  readonly shared: number;
  /** Tables of embeddings and head, routers. */
  readonly plain: number;
}

export function decoderParameters(model: DecoderBlocks): DecoderParameters {
  let dense = 0;
  let routed = 0;
  let shared = 0;
  let plain = model.vocabulary * model.width * (model.tiedHead ? 1 : 2) + model.positions * model.width;
  for (const { block, count } of model.blocks) {
    if (block.kind === "mixture") {
      routed += count * block.experts * 3 * model.width * block.inner;
      shared += count * 3 * model.width * (block.shared?.inner ?? 0);
      plain += count * model.width * block.experts;
    } else dense += count * denseParameters(block, model.width);
  }
  return { dense, routed, shared, plain };
}

/** Products of the indexer of a block: queries from their rank, one key and one weight a head. */
function indexerParameters({ queryRank = 0, indexer }: LatentAttention, width: number): number {
  if (indexer?.scores !== "own") return 0;
  return indexer.heads * (indexer.headDim * queryRank + width) + indexer.headDim * width;
}

/** Routers of all mixtures. Units: bytes. */
export function routerBytes({ blocks, width }: DecoderBlocks): number {
  return blocks.reduce((sum, { block, count }) => sum + (block.kind === "mixture" ? count * width * block.experts * PLAIN_BYTES : 0), 0);
}

/** Parameters of the products of one block. */
function denseParameters(block: Exclude<PricedBlock, { kind: "mixture" }>, width: number): number {
  switch (block.kind) {
    case "attention":
      return width * block.headDim * (2 * block.heads + 2 * block.kvHeads);
    case "latent-attention": {
      const { heads, queryRank, kvRank, plainDim, rotatedDim, valueDim } = block;
      const queryDim = plainDim + rotatedDim;
      const query = queryRank === undefined ? width * heads * queryDim : queryRank * (width + heads * queryDim);
      return (
        query +
        width * (kvRank + rotatedDim) +
        kvRank * heads * (plainDim + valueDim) +
        heads * valueDim * width +
        indexerParameters(block, width)
      );
    }
    case "mamba2": {
      const inner = block.heads * block.headDim;
      return width * (3 * inner + 2 * block.groups * block.stateSize + block.heads);
    }
    case "feed-forward":
      return (block.gated ? 3 : 2) * width * block.inner;
  }
}

/**
 * Bytes of weights on the fullest device.
 *
 * Model: tensor ranks share every product, pipeline stages the layers (rounded up), expert ranks the routed experts; data ranks repeat all but those.
 * Keys and values' columns that tensor ranks beyond the KV heads repeat are counted, and indexers, which every tensor rank has whole. Units: bytes.
 */
export function weightBytes(model: DecoderBlocks, cut: Cut, formats: Formats): number {
  const { dense, routed, shared, plain } = decoderParameters(model);
  const stage = Math.ceil(model.layers / cut.pipeline) / model.layers;
  const bytes = storedBytes(formats.weights, model.weightGroup);
  const expertBytes = storedBytes(formats.experts ?? formats.weights, model.weightGroup);
  let repeated = 0;
  for (const { block, count } of model.blocks) {
    if (block.kind === "attention" && cut.tensor > block.kvHeads)
      repeated += count * 2 * model.width * block.headDim * (1 - block.kvHeads / cut.tensor);
    if (block.kind === "latent-attention") repeated += count * indexerParameters(block, model.width) * (1 - 1 / cut.tensor);
  }
  const layers = (dense / cut.tensor + repeated) * bytes + (shared / cut.tensor + routed / (cut.tensor * cut.data)) * expertBytes;
  return layers * stage + (plain / cut.tensor) * PLAIN_BYTES;
}
