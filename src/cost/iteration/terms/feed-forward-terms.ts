import type { DenseFeedForward, MixtureFeedForward } from "../../../graph/architecture/feed-forward.ts";
import type { DispatchQuery, OperatorQuery, ProductQuery } from "../../operator/operator-query.ts";
import { STORED_BYTES } from "../../operator/stored-bytes.ts";
import { sumOverTensor } from "./attention-terms.ts";
import { collective, product, ranksInNode, type Site, STREAM_BYTES, stream } from "./site.ts";
import type { Term } from "./term.ts";

/** Products around an activation, and the sum over tensor ranks. */
export function feedForwardTerms(site: Site, block: DenseFeedForward, repeat: number): readonly Term[] {
  const inner = block.inner / site.cut.tensor;
  const columns = block.gated ? 2 * inner : inner;
  return [
    { name: "feed-forward", repeat, over: "tokens", queries: (tokens) => [product(site, tokens, columns, site.width)] },
    { name: "feed-forward", repeat, over: "tokens", queries: (tokens) => [product(site, tokens, site.width, inner)] },
    { name: "norms", repeat, over: "tokens", queries: (tokens) => [stream(tokens * (columns + inner) * STREAM_BYTES)] },
    ...sumOverTensor(site, repeat),
  ];
}

/**
 * Router, shared expert, grouped products, and how tokens reach their experts.
 *
 * Model: where attention is data-parallel, tokens go to the ranks of their experts and back: all-to-all (activations in 8 bits there, 16 back), all
 * tokens to all and sums back, or DeepEP's kernels, whichever is quicker. Where only tensor ranks share the experts every rank has all tokens already, and sums.
 * With more ranks than a token has experts none sends all tokens to all, and a rank sorts those alone that came to it. `sent`: they come from other devices.
 * Source: `should_enable_alltoall` of NVIDIA/TensorRT-LLM (`moe_ep_size <= top_k`: none), which gathers all tokens otherwise.
 */
export function mixtureTerms(site: Site, block: MixtureFeedForward, repeat: number, sent = dispatches(site, block)): readonly Term[] {
  const { width, cut, formats, load } = site;
  const { experts, active } = block;
  const type = formats.experts ?? formats.weights;
  const ranks = { tensor: (cut.tensor * cut.data) / cut.expert, expert: cut.expert };
  const blockScaled = formats.blockScaled === true && type.startsWith("f8");
  const grouped = (tokens: number): OperatorQuery => ({
    op: "experts",
    tokens,
    width,
    inner: block.inner,
    active,
    experts,
    ranks,
    type,
    load,
    ...(blockScaled && { blockScaled }),
    ...(sent && { dispatched: true }),
  });
  const router = (tokens: number): ProductQuery => ({ op: "product", m: tokens, n: experts, k: width, type: "bf16" });
  return [
    { name: "router", repeat, over: "tokens", queries: (tokens) => [router(tokens)] },
    { name: "experts", repeat, over: "group-tokens", queries: (tokens) => [grouped(tokens)] },
    ...sharedTerms(site, block, repeat),
    ...(cut.data === 1 ? sumOverTensor(site, repeat) : exchangeTerms(site, block, repeat)),
  ];
}

/** Whether tokens are sent to the ranks of their experts, and to no others. */
function dispatches({ cut }: Site, { active }: MixtureFeedForward): boolean {
  return cut.data > 1 && cut.expert > active;
}

function sharedTerms(site: Site, { shared }: MixtureFeedForward, repeat: number): readonly Term[] {
  if (shared === undefined) return [];
  const inner = shared.inner / site.cut.tensor;
  const type = site.formats.experts ?? site.formats.weights;
  const blockScaled = site.formats.blockScaled === true && type.startsWith("f8");
  const of = (m: number, n: number, k: number): ProductQuery => ({ op: "product", m, n, k, type, ...(blockScaled && { blockScaled }) });
  return [
    { name: "feed-forward", repeat, over: "tokens", queries: (tokens) => [of(tokens, 2 * inner, site.width)] },
    { name: "feed-forward", repeat, over: "tokens", queries: (tokens) => [of(tokens, site.width, inner)] },
  ];
}

/** Tokens of a rank up to which engines send in low-latency mode: larger buffers are not set aside. Source: SGLang's largest setting, deepseek-ai/DeepEP. */
const LOW_LATENCY_TOKENS = 1024;

/** DeepEP's ways of one direction; none where several ranks share an expert. */
function deepEpWays(
  site: Site,
  { experts, active, gate }: MixtureFeedForward,
  tokens: number,
  direction: DispatchQuery["direction"],
  bits: 8 | 16,
): DispatchQuery[] {
  const { cut, width } = site;
  if (cut.expert !== cut.tensor * cut.data) return [];
  const group = { ranks: cut.expert, ranksPerNode: ranksInNode(cut.expert, site.perNode) };
  const query = { op: "dispatch", direction, tokens, width, active, experts, ...(gate && { gate }), bits, ...group } as const;
  const normal: DispatchQuery = { ...query, mode: "normal" };
  return tokens <= LOW_LATENCY_TOKENS ? [normal, { ...query, mode: "low-latency" }] : [normal];
}

function exchangeTerms(site: Site, block: MixtureFeedForward, repeat: number): readonly Term[] {
  const { active } = block;
  const { width, cut, formats } = site;
  const group = cut.tensor * cut.data;
  const copies = Math.min(active, cut.expert) * ((cut.tensor * cut.data) / cut.expert);
  const thereBytes = STORED_BYTES[formats.experts ?? formats.weights] >= STREAM_BYTES ? STREAM_BYTES : 1;
  const rank = (tokens: number): number => tokens / cut.data / cut.tensor;
  const toAll = (kind: "all-gather" | "reduce-scatter", bytes: number): OperatorQuery[] =>
    dispatches(site, block) ? [] : [collective(site, kind, group, bytes)];
  return [
    {
      name: "expert exchange",
      repeat,
      over: "group-tokens",
      queries: (tokens) => [
        collective(site, "all-to-all", group, rank(tokens) * copies * width * thereBytes),
        ...toAll("all-gather", tokens * width * thereBytes),
        ...deepEpWays(site, block, rank(tokens), "dispatch", thereBytes === 1 ? 8 : 16),
      ],
    },
    {
      name: "expert exchange",
      repeat,
      over: "group-tokens",
      queries: (tokens) => [
        collective(site, "all-to-all", group, rank(tokens) * copies * width * STREAM_BYTES),
        ...toAll("reduce-scatter", tokens * width * STREAM_BYTES),
        ...deepEpWays(site, block, rank(tokens), "combine", 16),
      ],
    },
  ];
}
