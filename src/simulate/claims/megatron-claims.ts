import { collectiveModel } from "../../cost/network/collectives/collective-model.ts";
import { physicsModel } from "../../cost/operator/physics/physics-model.ts";
import { type TrainStep, trainStep } from "../../cost/training/train-step.ts";
import type { TrainingCosts } from "../../cost/training/training-costs.ts";
import type { TrainedModel, TrainingRun } from "../../cost/training/training-run.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { neededFigure } from "../../rack/catalog/needed-figure.ts";

/** Sizes of the published runs. Source: Korthikanti et al. 2022, table 3; Narayanan et al. 2021, table 1. */
const GPT_175B = gpt(96, 12_288, 96);
const GPT_530B = gpt(105, 20_480, 128);
const GPT_1T = gpt(128, 25_600, 160);

/** Steps of Megatron on A100 that the claims name, priced from data sheets, constants fitted on A100 operators, and NCCL's constants. */
export const MEGATRON_RUNS = {
  "megatron-175b-step": korthikanti(GPT_175B, 8, 3, 64),
  "megatron-530b-step": korthikanti(GPT_530B, 35, 3, 280),
  "megatron-1t-step": korthikanti(GPT_1T, 64, 1, 512),
  "megatron-1t-3072": {
    ...korthikanti(GPT_1T, 64, 1, 3072),
    parallel: { tensor: 8, pipeline: 64, interleave: 1, data: 6, context: 1, expert: 1, sequence: false },
    recompute: "full",
  },
} as const satisfies Readonly<Record<string, TrainingRun>>;

/** The computed figure of each claim, in its unit: s a step, or TFLOP/s a GPU with what is recomputed. */
export function megatronFigures(costs: TrainingCosts = dgxA100()): Readonly<Record<keyof typeof MEGATRON_RUNS, number>> {
  const step = (id: keyof typeof MEGATRON_RUNS): TrainStep => trainStep(MEGATRON_RUNS[id], costs);
  return {
    "megatron-175b-step": step("megatron-175b-step").stepNs / 1e9,
    "megatron-530b-step": step("megatron-530b-step").stepNs / 1e9,
    "megatron-1t-step": step("megatron-1t-step").stepNs / 1e9,
    "megatron-1t-3072": step("megatron-1t-3072").hardwareRate / 1e12,
  };
}

/** DGX A100: 8 GPUs, a 200 Gb/s card each. */
export function dgxA100(): TrainingCosts {
  const sheet = deviceSheet("a100-sxm");
  const scaleUp = neededFigure(sheet, "scaleUp", sheet.scaleUp?.bandwidthBytesPerSecond).value;
  const scaleOut = neededFigure(sheet, "network", sheet.network?.bandwidthBytesPerSecond).value;
  const network = collectiveModel({
    name: "DGX A100",
    generation: "ampere",
    scaleUp: { bytesPerSecond: scaleUp, devices: 8, reducesInSwitch: false },
    scaleOut: { bytesPerSecond: scaleOut },
    library: "nccl",
  });
  return { operators: physicsModel(sheet), network, perNode: 8 };
}

function gpt(layers: number, width: number, heads: number): TrainedModel {
  const headDim = width / heads;
  return { layers, width, heads, kvHeads: heads, headDim, inner: 4 * width, gated: false, vocabulary: 51_200 };
}

/**
 * Sequence parallelism and selective recomputation, one sequence a micro-batch. What the paper does not say is taken from the code of its time: scores go
 * through memory, gradients are added in 32 bits, nothing hides messages or collectives.
 */
function korthikanti(model: TrainedModel, pipeline: number, interleave: number, globalBatch: number): TrainingRun {
  return {
    model,
    sequence: 2048,
    microBatch: 1,
    globalBatch,
    parallel: { tensor: 8, pipeline, interleave, data: 1, context: 1, expert: 1, sequence: true },
    recompute: "selective",
    zero: 0,
    attention: "separate",
    type: "f16",
    gradientBytes: 4,
    overlap: { gradients: false, pipeline: false },
  };
}
