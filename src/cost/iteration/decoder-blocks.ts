import { err, ok, type Result } from "../../base/result.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import type { Attention, LatentAttention } from "../../graph/architecture/attention.ts";
import type { DenseFeedForward, MixtureFeedForward } from "../../graph/architecture/feed-forward.ts";
import type { Mamba2 } from "../../graph/architecture/mamba2.ts";
import type { IterationFault } from "./iteration-fault.ts";

/** Blocks of a decoder that are priced. */
export type PricedBlock = Attention | LatentAttention | Mamba2 | DenseFeedForward | MixtureFeedForward;

export interface CountedBlock {
  readonly block: PricedBlock;
  /** How many layers have an equal one. */
  readonly count: number;
}

/** A decoder as the cost of its iterations sees it: equal blocks counted once. */
export interface DecoderBlocks {
  readonly width: number;
  readonly layers: number;
  readonly vocabulary: number;
  readonly tiedHead: boolean;
  /** Learned positions of the table, 0 where rotated. */
  readonly positions: number;
  readonly blocks: readonly CountedBlock[];
  /** 4-bit whole numbers that share a scale in the published weights; absent: 128. */
  readonly weightGroup?: number;
}

/**
 * Blocks of the decoder of a model. An encoder before it is left out where its output takes the place of tokens (text-only serving).
 *
 * Errors: `no-basis` for models without a decoder and for attention over an encoder's output.
 */
export function decoderBlocks(model: SequenceModel): Result<DecoderBlocks, IterationFault> {
  const stack = model.stacks.at(-1);
  if (stack === undefined || stack.role !== "decoder" || stack.outlet.kind !== "head" || stack.stem.kind !== "tokens")
    return err({ code: "no-basis", missing: `a decoder of tokens in ${model.family}` });
  const counted = new Map<string, { block: PricedBlock; count: number }>();
  for (const layer of stack.layers) {
    for (const { block } of layer.blocks) {
      if (block.kind === "cross-attention") return err({ code: "no-basis", missing: crossing(model.family, stack) });
      const key = JSON.stringify(block);
      const seen = counted.get(key);
      if (seen === undefined) counted.set(key, { block, count: 1 });
      else seen.count += 1;
    }
  }
  return ok({
    ...(model.weightGroup === undefined ? {} : { weightGroup: model.weightGroup }),
    width: stack.width,
    layers: stack.layers.length,
    vocabulary: stack.outlet.outputs,
    tiedHead: stack.outlet.tied,
    positions: stack.stem.positions,
    blocks: [...counted.values()],
  });
}

/**
 * Why no iteration is priced: what an encoder hands to such layers takes room of KV that no token of the prompt takes, and is computed in no layer else; batches
 * and rooms here know tokens alone. `heddle inspect` counts it.
 */
function crossing(family: string, { layers }: SequenceModel["stacks"][number]): string {
  const count = layers.filter(({ blocks }) => blocks.some(({ block }) => block.kind === "cross-attention")).length;
  return `iterations of ${family}: ${count} of its ${layers.length} layers attend to an encoder's output, whose keys and values are of no token; heddle inspect counts them`;
}

/** Whether a decoder has experts. */
export function hasMixture({ blocks }: Pick<DecoderBlocks, "blocks">): boolean {
  return blocks.some(({ block }) => block.kind === "mixture");
}

/** Whether a model's decoder has experts; false where it has none that can be priced. */
export function hasExperts(model: SequenceModel): boolean {
  const blocks = decoderBlocks(model);
  return blocks.ok && hasMixture(blocks.value);
}
