import { STORED_BYTES } from "../../operator/stored-bytes.ts";
import type { DecoderBlocks } from "../decoder-blocks.ts";
import { layerTerms } from "../terms/decoder-terms.ts";
import { feedForwardTerms, mixtureTerms } from "../terms/feed-forward-terms.ts";
import { collective, type Site, STREAM_BYTES } from "../terms/site.ts";
import type { Term } from "../terms/term.ts";

/** The blocks whose state or weights stay with attention, and those that go to devices of their own. Routers stay: they decide who goes where. */
export function attentionBlocks(model: DecoderBlocks): DecoderBlocks {
  return { ...model, blocks: model.blocks.filter(({ block }) => block.kind !== "feed-forward" && block.kind !== "mixture") };
}

/** Without embeddings and head, which stay with attention. */
export function ffnBlocks(model: DecoderBlocks): DecoderBlocks {
  const blocks = model.blocks.filter(({ block }) => block.kind === "feed-forward" || block.kind === "mixture");
  return { ...model, vocabulary: 0, positions: 0, blocks };
}

/** Terms of the layers on attention devices. Tensor ranks send a share of the tokens each, and gather all when they are back. */
export function attentionSideTerms(model: DecoderBlocks, site: Site): readonly Term[] {
  const { tensor } = site.cut;
  const gather: Term = {
    name: "tensor exchange",
    repeat: model.layers,
    over: "tokens",
    queries: (tokens) => [collective(site, "all-gather", tensor, tokens * site.width * STREAM_BYTES)],
  };
  const routers = model.blocks.flatMap(({ block, count }) =>
    block.kind === "mixture" ? mixtureTerms(site, block, count).filter(({ name }) => name === "router") : [],
  );
  return [...layerTerms(attentionBlocks(model), site), ...routers, ...(tensor > 1 ? [gather] : [])];
}

/** Terms of the layers on FFN devices. Tokens come to the tensor ranks of an expert in shares, are gathered, and their sums scattered. */
export function ffnSideTerms(model: DecoderBlocks, site: Site): readonly Term[] {
  const { tensor, expert } = site.cut;
  return ffnBlocks(model).blocks.flatMap(({ block, count }) => {
    const terms =
      block.kind === "mixture"
        ? mixtureTerms(site, block, count, expert > 1)
        : block.kind === "feed-forward"
          ? feedForwardTerms(site, block, count)
          : [];
    const own = terms.filter(({ name }) => name !== "router" && !name.endsWith("exchange"));
    if (tensor === 1) return own;
    const visits = block.kind === "mixture" ? Math.min(block.active, expert) / expert : 1 / expert;
    const inside = (kind: "all-gather" | "reduce-scatter", bytes: number): Term => ({
      name: "tensor exchange",
      repeat: count,
      over: "group-tokens",
      queries: (tokens) => [collective(site, kind, tensor, tokens * visits * site.width * bytes)],
    });
    return [...own, inside("all-gather", thereBytes(site)), inside("reduce-scatter", STREAM_BYTES)];
  });
}

/** Bytes of a value on its way to the experts: 8 bits where those are stored in no more, 16 otherwise; back it goes in 16. */
export function thereBytes({ formats }: Pick<Site, "formats">): number {
  return STORED_BYTES[formats.experts ?? formats.weights] >= STREAM_BYTES ? STREAM_BYTES : 1;
}

/** Copies of a token that leave for the feed-forwards of a layer, mean over the layers: one for each expert it visits, no more than there are ranks. */
export function copiesAToken(model: DecoderBlocks, expertRanks: number): number {
  let copies = 0;
  for (const { block, count } of ffnBlocks(model).blocks)
    copies += count * (block.kind === "mixture" ? Math.min(block.active, expertRanks) : 1);
  return copies / model.layers;
}
