import { must } from "../../base/assert.ts";
import { ONE_DEVICE } from "../../cost/iteration/cut.ts";
import { type BatchShape, emptyBatch, type IterationCost } from "../../cost/iteration/iteration-cost.ts";
import { iterationCostOf } from "../../cost/iteration/iteration-cost-of.ts";
import { ffnWeights, kvBudget } from "../../cost/iteration/kv-budget.ts";
import { ffnCut, splitFfnCost } from "../../cost/iteration/split-ffn/split-ffn-cost.ts";
import { collectiveModel } from "../../cost/network/collectives/collective-model.ts";
import type { NetworkFigures } from "../../cost/network/collectives/network-figures.ts";
import { pricePointToPoint } from "../../cost/network/point-to-point.ts";
import { sheetNetwork } from "../../cost/network/sheet-network.ts";
import { engineOperators } from "../../cost/operator/physics/physics-model.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { type ComputedClaim, judgeClaim } from "./compute-claims.ts";
import { SPLIT_FFN_CLAIMS } from "./split-ffn-claims.ts";

/** As published: nodes of 8 A100 80 GB, a 200 Gbit/s card a GPU, decoding at most 150 ms a token; 571 tokens read and 159 written. */
const SHEET = deviceSheet("a100-sxm");
const CARD_BYTES_PER_SECOND = 25e9;
const LIMIT_NS = 150e6;
const CONTEXT = 571 + 159 / 2;
const DEVICES_MOST = 64;
const EXPERT_RANKS = 8;
const MICRO_BATCHES = 3;
const TENSOR_RANKS = [1, 2, 4, 8] as const;
const BATCH_MOST = 16_384;
const PRECISION = { weights: "bf16", kv: "bf16" } as const;
const ENGINE = { maxBatchedTokens: 2048, maxSequences: 1024, blockTokens: 16, memoryFraction: 0.9 };

export interface SplitFfnFigures {
  readonly twoMicroBatches: number;
  readonly threeMicroBatches: number;
  readonly tokensADevice: number;
}

interface Plan {
  readonly attentionTensor: number;
  readonly data: number;
  readonly ffnTensor: number;
  readonly batch: number;
  readonly tokensADevice: number;
}

/** The published figures of feed-forwards apart with heddle's own. */
export function computeSplitFfnClaims(figures: SplitFfnFigures = splitFfnFigures()): readonly ComputedClaim[] {
  const computed: Readonly<Record<string, number>> = {
    "split-ffn-two-micro-batches": figures.twoMicroBatches,
    "split-ffn-three-micro-batches": figures.threeMicroBatches,
    "split-ffn-tokens-a-gpu": figures.tokensADevice,
  };
  return SPLIT_FFN_CLAIMS.map((claim) => judgeClaim(claim, must(computed[claim.id], "a claim has a computation")));
}

/** heddle's figures for `SPLIT_FFN_CLAIMS`: the best plan by its own prices, at its largest batch. Nothing is fitted to them. */
export function splitFfnFigures(): SplitFfnFigures & { readonly plan: Plan } {
  const architecture = must(knownArchitecture("Mixtral-8x22B"), "the model is known");
  const inside = must(sheetNetwork(SHEET, "trtllm"), "the device has links");
  const network: NetworkFigures = { ...inside, scaleOut: { bytesPerSecond: CARD_BYTES_PER_SECOND } };
  const operators = engineOperators(SHEET, "trtllm");
  const common = {
    architecture,
    sheet: SHEET,
    precision: PRECISION,
    operators,
    engine: "trtllm",
    network: collectiveModel(network),
  } as const;
  const linkNs = (attentionBytes: number, ffnBytes: number): number => {
    const priced = pricePointToPoint(network, { op: "point-to-point", bytes: Math.max(attentionBytes, ffnBytes), sameNode: false });
    return must(priced.ok ? priced.value.ns : undefined, "a message has a price");
  };
  const splitOf = (attentionTensor: number, data: number, ffnTensor: number, microBatches: number): IterationCost | undefined => {
    const ffn = { sheet: SHEET, operators, network: common.network, tensor: ffnTensor, expert: EXPERT_RANKS, microBatches, linkNs };
    const made = splitFfnCost({ ...common, parallel: { ...ONE_DEVICE, tensor: attentionTensor, data }, ffn });
    return made.ok ? made.value : undefined;
  };
  const sequencesIn = (tensor: number, data: number, side?: "attention"): number => {
    const budget = kvBudget({
      architecture,
      sheet: SHEET,
      parallel: { ...ONE_DEVICE, tensor, data },
      precision: PRECISION,
      engine: ENGINE,
      ...(side && { side }),
    });
    return budget.ok ? Math.floor((budget.value.kvBlocks * ENGINE.blockTokens) / CONTEXT) : 0;
  };

  let best: Plan | undefined;
  for (const ffnTensor of TENSOR_RANKS) {
    const parallel = ffnCut({ tensor: ffnTensor, expert: EXPERT_RANKS });
    if (!ffnWeights({ architecture, sheet: SHEET, parallel, precision: PRECISION, engine: ENGINE, groupTokens: 4096 }).ok) continue;
    for (const attentionTensor of TENSOR_RANKS) {
      for (let data = 1; attentionTensor * data + ffnTensor * EXPERT_RANKS <= DEVICES_MOST; data++) {
        const cost = splitOf(attentionTensor, data, ffnTensor, MICRO_BATCHES);
        if (cost === undefined) continue;
        const batch = largestBatch(cost, sequencesIn(attentionTensor, data, "attention"));
        const tokensADevice = tokensPerSecond(cost, batch) / (attentionTensor * data + ffnTensor * EXPERT_RANKS);
        if (best === undefined || tokensADevice > best.tokensADevice) best = { attentionTensor, data, ffnTensor, batch, tokensADevice };
      }
    }
  }
  const plan = must(best, "a plan fits");
  // The same size of micro-batch, in as many as are asked for.
  const withParts = (microBatches: number): number => {
    const cost = must(splitOf(plan.attentionTensor, plan.data, plan.ffnTensor, microBatches), "the plan has a price");
    return tokensPerSecond(cost, (plan.batch / MICRO_BATCHES) * microBatches);
  };
  const whole = iterationCostOf({ ...common, parallel: { ...ONE_DEVICE, tensor: 8 } });
  const one = must(whole.ok ? whole.value : undefined, "one node has a price");
  const together = tokensPerSecond(one, largestBatch(one, sequencesIn(8, 1))) / 8;
  return {
    plan,
    twoMicroBatches: withParts(2) / withParts(1),
    threeMicroBatches: withParts(3) / withParts(2),
    tokensADevice: plan.tokensADevice / together,
  };
}

function decoding(count: number): BatchShape {
  return { ...emptyBatch(), decodes: count, decodeContext: count * CONTEXT, decodeContextMax: CONTEXT };
}

/** Most sequences that keep the limit and have room. */
function largestBatch(cost: IterationCost, room: number): number {
  let [low, high] = [0, Math.min(room, BATCH_MOST)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (cost.iterationNs(decoding(middle)) <= LIMIT_NS) low = middle;
    else high = middle - 1;
  }
  return low;
}

function tokensPerSecond(cost: IterationCost, batch: number): number {
  return batch === 0 ? 0 : (batch * 1e9) / cost.iterationNs(decoding(batch));
}
