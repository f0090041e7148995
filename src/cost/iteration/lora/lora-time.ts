import { HeddleError } from "../../../base/heddle-error.ts";
import { exp, ln } from "../../../base/math.ts";
import { err, ok, type Result } from "../../../base/result.ts";
import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { OperatorModel } from "../../operator/operator-model.ts";
import type { CollectiveKind } from "../../operator/operator-query.ts";
import type { Cut } from "../cut.ts";
import { type Curve, risingCurve } from "../grid/curve.ts";
import type { LoraShape } from "../iteration-cost.ts";
import type { IterationFault } from "../iteration-fault.ts";
import { adapterShare } from "./lora-bytes.ts";
import type { AdaptedProduct } from "./lora-products.ts";

/** Activations are kept in 16 bits, what lies between the two halves in 32. Source: vllm-project/vllm `lora/punica_wrapper/punica_gpu.py` (`add_lora_linear`). */
const STREAM_BYTES = 2;
const BUFFER_BYTES = 4;
/** Least rows of a tile of multipliers: tokens of one adapter fill whole ones. Source: sgl-project/sglang pull request 10286. */
const TILE_ROWS = 16;
/** Share of the peak that products this narrow reach at most. A guess: nothing is fitted. */
const NARROW_PEAK = 0.5;
/** Bytes at which a stream is tried when the times are made. */
const TRIAL_BYTES = 1_048_576;

export interface LoraTimeInput {
  readonly products: readonly AdaptedProduct[];
  readonly sheet: DeviceSheet;
  readonly cut: Cut;
  readonly operators: OperatorModel;
  /** Of collectives; absent: `operators`. */
  readonly network?: OperatorModel;
  /** Devices of a node. */
  readonly perNode: number;
  readonly fullySharded: boolean;
  readonly elementBytes: number;
}

/** Time that adapters add to a pass over all layers. Units: ns. Pure, allocation-free, monotone. */
export type LoraTime = (shape: Readonly<LoraShape>, batches: number) => number;

/**
 * Time of the products of adapters: for each product of a layer one kernel that takes its inputs to the ranks, and one that takes those to its outputs.
 *
 * Model: a kernel streams the weights of all adapters in the batch, its inputs, and what it writes (outputs are read and written), at the device's rate for
 * streams of that size, launch included; or computes, tiles of one adapter's tokens each, whichever is longer. Fully sharded, ranks exchange what lies
 * between the two. Parts of a pipeline read the weights each. Adapters of experts: weights of the experts that an adapter's tokens touch at random, and a row for each
 * that a token visits.
 * Errors: `no-basis` where streams or collectives have no price.
 * Source: Chen et al. 2023, arXiv:2310.18547, section 4 (kernels that gather by adapter are bound by memory); vllm-project/vllm
 * `lora/ops/triton_ops/lora_shrink_op.py`, `lora_expand_op.py`. Nothing is fitted.
 */
export function loraTime(input: LoraTimeInput): Result<LoraTime, IterationFault> {
  const { products, sheet, cut, operators, network = operators, fullySharded, elementBytes } = input;
  const trial = operators.price({ op: "stream", bytes: TRIAL_BYTES });
  if (!trial.ok) return err({ code: "no-basis", missing: `adapters: ${trial.error.missing}` });
  const stream = risingCurve((bytes) => priced(operators, { op: "stream", bytes }));
  const exchange = (kind: CollectiveKind): Curve =>
    risingCurve((bytes) =>
      priced(network, { op: "collective", kind, bytes, ranks: cut.tensor, ranksPerNode: Math.min(cut.tensor, input.perNode) }),
    );
  const gather = exchange("all-gather");
  const reduce = exchange("all-reduce");
  const sharded = fullySharded && cut.tensor > 1;
  if (sharded) {
    const tried = network.price({
      op: "collective",
      kind: "all-reduce",
      bytes: TRIAL_BYTES,
      ranks: cut.tensor,
      ranksPerNode: Math.min(cut.tensor, input.perNode),
    });
    if (!tried.ok) return err({ code: "no-basis", missing: `adapters: ${tried.error.missing}` });
  }
  const peak = (sheet.peaks.bf16 ?? sheet.peaks.f16)?.value ?? Number.POSITIVE_INFINITY;
  const nsAFlop = 1e9 / (peak * NARROW_PEAK);
  const kernels = products.map((product) => {
    const { inputs, shrinkRank, outputs } = adapterShare(product, cut.tensor, sharded);
    return {
      ...product,
      inputs,
      rankShare: shrinkRank(cut.tensor) / cut.tensor,
      outputs: outputs.reduce((sum, one) => sum + one, 0),
      count: outputs.length,
    };
  });
  return ok(({ adapters, ranks, tokens, rankTokens }, batches) => {
    if (adapters === 0) return 0;
    const rows = tokens / batches;
    const there = Math.min(adapters, Math.max(1, rows));
    const rankSum = (ranks / adapters) * there;
    const rankRows = rankTokens / batches;
    // Rows of an adapter fill whole tiles.
    const tiled = (rankTokens / tokens) * Math.max(rows, TILE_ROWS * there);
    let ns = 0;
    for (const { cut: way, inputs, rankShare, outputs, count, layers, experts } of kernels) {
      // Of experts, rows for each that a token visits, and the weights of those that an adapter's tokens touch.
      const visits = experts?.active ?? 1;
      const touched = experts === undefined ? 1 : touchedExperts(experts, rows / there);
      const between = rankRows * visits * count * BUFFER_BYTES;
      const weights = rankSum * touched * elementBytes;
      const shrinkBytes = count * rankShare * inputs * weights + rows * visits * inputs * STREAM_BYTES + between * rankShare;
      const expandBytes = outputs * weights + between + 2 * rows * visits * outputs * STREAM_BYTES;
      const computed = experts === undefined ? tiled : (rankTokens / tokens) * Math.max(rows * visits, TILE_ROWS * there * touched);
      const shrinkNs = Math.max(stream(shrinkBytes), 2 * computed * inputs * count * rankShare * nsAFlop);
      const expandNs = Math.max(stream(expandBytes), 2 * computed * outputs * nsAFlop);
      const linkNs = sharded && way !== "whole" ? (way === "column" ? gather(between) : reduce(between)) : 0;
      ns += layers * (shrinkNs + expandNs + linkNs);
    }
    return ns;
  });
}

/** Experts that some tokens touch, each visiting as many at random. */
function touchedExperts({ count, active }: NonNullable<AdaptedProduct["experts"]>, tokens: number): number {
  return active >= count ? count : count * (1 - exp(tokens * ln(1 - active / count)));
}

/** Errors: `no-basis` thrown where a size has no price (construction has tried a usual one). */
function priced(model: OperatorModel, query: Parameters<OperatorModel["price"]>[0]): number {
  const answer = model.price(query);
  if (!answer.ok) throw new HeddleError("no-basis", { where: model.source, detail: `adapters: ${answer.error.missing}` });
  return answer.value.ns;
}
