import type { LatentAttention } from "../../graph/architecture/attention.ts";
import { indexKeyBytes } from "../../graph/architecture/index-key.ts";
import { STORED_BYTES } from "../operator/stored-bytes.ts";
import type { Cut, Formats } from "./cut.ts";
import type { DecoderBlocks } from "./decoder-blocks.ts";

/** What a sequence keeps on the fullest device of its data-parallel rank. Units: bytes. */
export interface SequenceBytes {
  /** Of each token of its context. */
  readonly perToken: number;
  /** Whatever its length: windows, recurrent state. */
  readonly perSequence: number;
}

/** Recurrent state is kept in 32 bits, what a convolution looks back on in 16. */
const STATE_BYTES = 4;
const CONVOLUTION_BYTES = 2;

/** The latent vector and rotated key, and the key of the indexer where the layer has one of its own. */
function latentBytes({ kvRank, rotatedDim, indexer }: LatentAttention, element: number): number {
  return (kvRank + rotatedDim) * element + (indexer?.scores === "own" ? indexKeyBytes(indexer.headDim) : 0);
}

/**
 * KV and state of sequences. Tensor ranks share KV heads until each has one, then repeat them; latent attention's cache is repeated on every tensor
 * rank; context ranks share tokens; pipeline stages share layers. Source: as vLLM, SGLang and TensorRT-LLM lay KV out.
 */
export function sequenceBytes(model: DecoderBlocks, cut: Cut, formats: Formats): SequenceBytes {
  const element = STORED_BYTES[formats.kv];
  let perToken = 0;
  let perSequence = 0;
  for (const { block, count } of model.blocks) {
    if (block.kind === "attention") {
      const bytes = count * 2 * Math.ceil(block.kvHeads / cut.tensor) * block.headDim * element;
      if (block.reach.kind === "all") perToken += bytes;
      else perSequence += bytes * block.reach.tokens;
    } else if (block.kind === "latent-attention") perToken += count * latentBytes(block, element);
    else if (block.kind === "mamba2") {
      const inner = block.heads * block.headDim;
      const mixed = inner + 2 * block.groups * block.stateSize;
      perSequence += (count * (inner * block.stateSize * STATE_BYTES + mixed * (block.kernel - 1) * CONVOLUTION_BYTES)) / cut.tensor;
    }
  }
  const stage = Math.ceil(model.layers / cut.pipeline) / model.layers;
  return { perToken: (perToken * stage) / cut.context, perSequence: perSequence * stage };
}
