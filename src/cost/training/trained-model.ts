import { err, ok, type Result } from "../../base/result.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import { decoderBlocks, type PricedBlock } from "../iteration/decoder-blocks.ts";
import type { IterationFault } from "../iteration/iteration-fault.ts";
import type { TrainedModel } from "./training-run.ts";

/**
 * Sizes of a decoder for training.
 *
 * Errors: `no-basis` for models whose layers are not all of one kind, or have other blocks than attention, feed-forward parts and mixtures.
 */
export function trainedModel(architecture: SequenceModel): Result<TrainedModel, IterationFault> {
  const read = decoderBlocks(architecture);
  if (!read.ok) return read;
  const { blocks, layers, width, vocabulary } = read.value;
  const attention = blockOf(blocks, "attention");
  const dense = blockOf(blocks, "feed-forward");
  const mixture = blockOf(blocks, "mixture");
  if (attention === undefined || attention.count !== layers || blocks.length !== 2)
    return none(`training of ${architecture.family}: layers that are not all of one kind, or not of attention`);
  const { heads, kvHeads, headDim } = attention.block;
  const common = { layers, width, vocabulary, heads, kvHeads, headDim };
  if (dense !== undefined) return ok({ ...common, inner: dense.block.inner, gated: dense.block.gated });
  if (mixture === undefined) return none(`training of ${architecture.family}: no feed-forward part`);
  if (mixture.block.shared !== undefined) return none(`training of ${architecture.family}: experts that every token visits`);
  const { experts: count, active, inner } = mixture.block;
  return ok({ ...common, inner, gated: true, experts: { count, active, inner } });
}

function blockOf<K extends PricedBlock["kind"]>(
  blocks: readonly { readonly block: PricedBlock; readonly count: number }[],
  kind: K,
): { readonly block: Extract<PricedBlock, { kind: K }>; readonly count: number } | undefined {
  const found = blocks.find(({ block }) => block.kind === kind);
  return found as { readonly block: Extract<PricedBlock, { kind: K }>; readonly count: number } | undefined;
}

function none(missing: string): Result<TrainedModel, IterationFault> {
  return err({ code: "no-basis", missing });
}
