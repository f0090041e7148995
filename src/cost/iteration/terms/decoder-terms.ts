import { unreachable } from "../../../base/assert.ts";
import type { CountedBlock, DecoderBlocks } from "../decoder-blocks.ts";
import { attentionTerms, mixerTerms, sumOverTensor } from "./attention-terms.ts";
import { feedForwardTerms, mixtureTerms } from "./feed-forward-terms.ts";
import { latentTerms } from "./latent-terms.ts";
import { collective, type Site, STREAM_BYTES, stream } from "./site.ts";
import type { Term } from "./term.ts";

/** Bytes a norm and the addition before it move for each element of the stream: two read, two written. */
const NORM_PASSES = 4;

/** Terms of the layers of a decoder. */
export function layerTerms(model: DecoderBlocks, site: Site): readonly Term[] {
  const norms: Term = {
    name: "norms",
    repeat: 2 * model.layers,
    over: "tokens",
    queries: (tokens) => [stream(tokens * site.width * STREAM_BYTES * NORM_PASSES)],
  };
  return [norms, ...model.blocks.flatMap((counted) => blockTerms(site, counted))];
}

function blockTerms(site: Site, { block, count }: CountedBlock): readonly Term[] {
  switch (block.kind) {
    case "attention":
      return attentionTerms(site, block, count);
    case "latent-attention":
      return latentTerms(site, block, count);
    case "mamba2":
      return mixerTerms(site, block, count);
    case "feed-forward":
      return feedForwardTerms(site, block, count);
    case "mixture":
      return mixtureTerms(site, block, count);
    default:
      return unreachable(block);
  }
}

/** Logits are handed on in 16 bits, and sampled from in 32. */
const SAMPLE_PASSES = 4;

/** Terms that an iteration has once: embedding, head and sampling. */
export function outerTerms(model: DecoderBlocks, site: Site): readonly Term[] {
  const { tensor } = site.cut;
  const columns = model.vocabulary / tensor;
  const gather: Term = {
    name: "tensor exchange",
    repeat: 1,
    over: "sequences",
    queries: (rows) => [collective(site, "all-gather", tensor, rows * model.vocabulary * STREAM_BYTES)],
  };
  return [
    ...sumOverTensor(site, 1),
    {
      name: "head",
      repeat: 1,
      over: "sequences",
      queries: (rows) => [{ op: "product", m: rows, n: columns, k: site.width, type: "bf16" }],
    },
    { name: "head", repeat: 1, over: "sequences", queries: (rows) => [stream(rows * model.vocabulary * STREAM_BYTES * SAMPLE_PASSES)] },
    ...(tensor > 1 ? [gather] : []),
  ];
}
