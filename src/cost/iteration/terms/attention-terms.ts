import type { Attention } from "../../../graph/architecture/attention.ts";
import type { Mamba2 } from "../../../graph/architecture/mamba2.ts";
import { collective, product, type Site, STREAM_BYTES, stream } from "./site.ts";
import type { Term } from "./term.ts";

/** Copies of queries, keys and values a layer makes: norms of heads, rotation, writing the cache; each is read and written. */
const HEAD_COPIES = 4;

/** Projections, attention over the cache, and the sum over tensor ranks. */
export function attentionTerms(site: Site, block: Attention, repeat: number): readonly Term[] {
  const { width, cut, formats, perDecode } = site;
  const heads = block.heads / cut.tensor;
  const kvHeads = Math.ceil(block.kvHeads / cut.tensor);
  const { headDim } = block;
  const window = block.reach.kind === "all" ? 0 : block.reach.tokens;
  const common = { kvHeads, headDim, window, kvType: formats.kv } as const;
  const columns = (heads + 2 * kvHeads) * headDim;
  return [
    { name: "projections", repeat, over: "tokens", queries: (tokens) => [product(site, tokens, columns, width)] },
    { name: "projections", repeat, over: "tokens", queries: (tokens) => [product(site, tokens, width, heads * headDim)] },
    { name: "norms", repeat, over: "tokens", queries: (tokens) => [stream(tokens * columns * STREAM_BYTES * HEAD_COPIES)] },
    {
      name: "attention",
      repeat,
      over: "decode",
      // Drafted tokens are further query rows over the same keys and values.
      queries: (batch, context) => [{ op: "decode-attention", batch, context: context / cut.context, heads: heads * perDecode, ...common }],
    },
    {
      name: "attention",
      repeat,
      over: "prefill",
      queries: (batch, tokens, context) => [{ op: "prefill-attention", batch, tokens, context, heads, type: "bf16", ...common }],
    },
    ...sumOverTensor(site, repeat),
    ...contextTerms(site, repeat, { tokenBytes: 2 * kvHeads * headDim * STREAM_BYTES, rowBytes: heads * headDim * STREAM_BYTES }),
  ];
}

/** The sum of a block's output over tensor ranks. */
export function sumOverTensor(site: Site, repeat: number): readonly Term[] {
  const { tensor } = site.cut;
  if (tensor === 1) return [];
  return [
    {
      name: "tensor exchange",
      repeat,
      over: "tokens",
      queries: (tokens) => [collective(site, "all-reduce", tensor, tokens * site.width * STREAM_BYTES)],
    },
  ];
}

/** Context ranks gather keys and values of new prompt tokens, and add up what each found of a decoding sequence. */
export function contextTerms(
  site: Site,
  repeat: number,
  sizes: { readonly tokenBytes: number; readonly rowBytes: number },
): readonly Term[] {
  const ranks = site.cut.context;
  if (ranks === 1) return [];
  return [
    {
      name: "context exchange",
      repeat,
      over: "prefill",
      queries: (batch, tokens) => [collective(site, "all-gather", ranks, batch * tokens * ranks * sizes.tokenBytes)],
    },
    {
      name: "context exchange",
      repeat,
      over: "decode",
      queries: (batch) => [collective(site, "all-reduce", ranks, batch * sizes.rowBytes)],
    },
  ];
}

/** Recurrent state is kept in 32 bits. */
const STATE_BYTES = 4;
/** Passes over the inner stream of a prompt in chunks: convolution, scan inside and between chunks, gate. Source: count of kernels of arXiv 2405.21060, section 7. */
const SCAN_PASSES = 8;

/** Passes over the inner stream of a decoding sequence after its state: what its norm reads, its gate, and what is written. */
const GATED_NORM_PASSES = 3;

/**
 * A mixer with a recurrent state: two products, the state read and written by each decoding sequence, chunked scans of prompts.
 *
 * Why: a decode step has two kernels more, which cost little but their launch: the convolution, whose last tokens each sequence keeps, and the gated norm. Source:
 * `causal_conv1d_update`, `selective_state_update`, `RMSNormGated` of state-spaces/mamba `mamba_ssm/modules/mamba2.py` (step).
 */
export function mixerTerms(site: Site, block: Mamba2, repeat: number): readonly Term[] {
  const { width, cut } = site;
  const inner = (block.heads * block.headDim) / cut.tensor;
  const mixed = inner + (2 * block.groups * block.stateSize) / cut.tensor;
  return [
    { name: "projections", repeat, over: "tokens", queries: (tokens) => [product(site, tokens, inner + mixed, width)] },
    { name: "projections", repeat, over: "tokens", queries: (tokens) => [product(site, tokens, width, inner)] },
    { name: "mixer", repeat, over: "decode", queries: (batch) => [stream(batch * inner * block.stateSize * STATE_BYTES * 2)] },
    { name: "mixer", repeat, over: "decode", queries: (batch) => [stream(batch * mixed * STREAM_BYTES * (2 * block.kernel))] },
    { name: "mixer", repeat, over: "decode", queries: (batch) => [stream(batch * inner * STREAM_BYTES * GATED_NORM_PASSES)] },
    {
      name: "mixer",
      repeat,
      over: "prefill",
      queries: (batch, tokens) => [stream(batch * tokens * (inner + mixed) * STREAM_BYTES * SCAN_PASSES)],
    },
    ...sumOverTensor(site, repeat),
  ];
}
