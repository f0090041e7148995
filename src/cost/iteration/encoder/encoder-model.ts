import { err, ok, type Result } from "../../../base/result.ts";
import type { SequenceModel } from "../../../graph/architecture/architecture.ts";
import type { Attention } from "../../../graph/architecture/attention.ts";
import type { DenseFeedForward } from "../../../graph/architecture/feed-forward.ts";
import { type ImageRule, imageTokensMax } from "../../../graph/architecture/image-rule.ts";
import type { IterationFault } from "../iteration-fault.ts";

/** An encoder of images as its cost sees it: equal blocks counted once. */
export interface EncoderModel {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly patchElements: number;
  readonly blocks: readonly { readonly block: Attention | DenseFeedForward; readonly count: number }[];
  /** Products that bring it to the decoder: widths one after the other, and how many such rows of products there are. */
  readonly outlet: { readonly width: number; readonly products: readonly number[]; readonly times: number };
  readonly images: ImageRule;
  /** Of one token that is handed on. Units: elements. */
  readonly tokenElements: number;
  /** Tokens of the largest image it takes. */
  readonly tokensMax: number;
}

/** The encoder of a model that reads images. Errors: `no-basis` where it has none, or how images become tokens is not known. */
export function encoderModel(model: SequenceModel): Result<EncoderModel, IterationFault> {
  const { images, family } = model;
  const stack = model.stacks[0];
  if (
    images === undefined ||
    stack?.role !== "encoder" ||
    (stack.stem.kind !== "patches" && stack.stem.kind !== "tiles") ||
    stack.outlet.kind !== "projector"
  )
    return err({ code: "no-basis", missing: `images: no encoder of ${family} is known that makes tokens of them` });
  const counted = new Map<string, { block: Attention | DenseFeedForward; count: number }>();
  let heads = 1;
  for (const { block } of stack.layers.flatMap(({ blocks }) => blocks)) {
    if (block.kind !== "attention" && block.kind !== "feed-forward")
      return err({ code: "no-basis", missing: `images: an encoder with blocks of ${block.kind}` });
    if (block.kind === "attention") heads = block.heads;
    const key = JSON.stringify(block);
    const seen = counted.get(key);
    if (seen === undefined) counted.set(key, { block: withinTile(block, images), count: 1 });
    else seen.count += 1;
  }
  const times = 1 + (stack.taps?.length ?? 0);
  return ok({
    width: stack.width,
    layers: stack.layers.length,
    heads,
    patchElements: stack.stem.patchElements,
    blocks: [...counted.values()],
    outlet: { width: stack.outlet.width, products: stack.outlet.products, times },
    images,
    tokenElements: stack.outlet.products.at(-1)! * times,
    tokensMax: imageTokensMax(images),
  });
}

/** Attention does not see from one tile into another. */
function withinTile<T extends Attention | DenseFeedForward>(block: T, images: ImageRule): T {
  return block.kind === "attention" && images.kind === "tiles" ? { ...block, reach: { kind: "chunk", tokens: images.patches } } : block;
}

/** Parameters of its products; norms, biases and tables of positions are left out: below 1 %. */
export function encoderParameters({ width, patchElements, blocks, outlet }: EncoderModel): number {
  let parameters = width * patchElements;
  for (const { block, count } of blocks) {
    parameters +=
      count *
      (block.kind === "attention"
        ? width * block.headDim * (2 * block.heads + 2 * block.kvHeads)
        : (block.gated ? 3 : 2) * width * block.inner);
  }
  let inputs = outlet.width;
  for (const outputs of outlet.products) {
    parameters += outlet.times * inputs * outputs;
    inputs = outputs;
  }
  return parameters;
}
