import { must } from "../../../base/assert.ts";
import type { TensorId } from "../../ir/graph.ts";
import type { Block, Layer } from "../stack.ts";
import { buildAttention } from "./build-attention.ts";
import { buildCrossAttention } from "./build-cross-attention.ts";
import { buildFeedForward, buildMixture } from "./build-feed-forward.ts";
import type { LastChoice } from "./build-indexer.ts";
import { buildLatentAttention } from "./build-latent-attention.ts";
import { buildMamba2 } from "./build-mamba2.ts";
import { elementwise, norm } from "./products.ts";
import { type Site, weight } from "./site.ts";

export interface LayerPlace {
  readonly width: number;
  readonly role: "decoder" | "encoder";
  /** Output of the encoder before. */
  readonly memory: TensorId | undefined;
  readonly lastChoice: LastChoice;
}

const SCOPES: Readonly<Record<Block["kind"], string>> = {
  attention: "attention",
  "latent-attention": "attention",
  "cross-attention": "cross-attention",
  mamba2: "mixer",
  "feed-forward": "feed-forward",
  mixture: "experts",
};

/** Blocks one after the other, each added to the stream. `site.scope` is the layer's. */
export function buildLayer(site: Site, layer: Layer, stream: TensorId, place: LayerPlace): TensorId {
  let current = stream;
  for (const { block, norms, scale } of layer.blocks) {
    const within: Site = { ...site, scope: `${site.scope}.${SCOPES[block.kind]}` };
    const columns = place.width;
    const entered = norms === "after" ? current : norm(within, "norm", current, { columns });
    let made = buildBlock(within, block, entered, place);
    if (norms === "both") made = norm(within, "post-norm", made, { columns });
    if (scale !== undefined) {
      const factors = weight(within, "scale", [scale === "channels" ? columns : 1]);
      made = elementwise(within, "Multiply", "scaled", [made, factors], columns);
    }
    current = elementwise(within, "Add", "residual", [current, made], columns);
    if (norms === "after") current = norm(within, "norm", current, { columns });
  }
  return current;
}

function buildBlock(site: Site, block: Block, x: TensorId, place: LayerPlace): TensorId {
  switch (block.kind) {
    case "attention":
      return buildAttention(site, block, x, place);
    case "latent-attention":
      return buildLatentAttention(site, block, x, place);
    case "cross-attention":
      return buildCrossAttention(site, block, x, { width: place.width, memory: must(place.memory, "cross attention has an encoder") });
    case "mamba2":
      return buildMamba2(site, block, x, place);
    case "feed-forward":
      return buildFeedForward(site, block, x, place);
    case "mixture":
      return buildMixture(site, block, x, place);
  }
}
