import { HeddleError } from "../../base/heddle-error.ts";
import { type TrainStep, trainStep } from "./train-step.ts";
import type { TrainingCosts } from "./training-costs.ts";
import type { TrainingParallelism, TrainingRun } from "./training-run.ts";

/** A cut that was priced. */
export interface TrainingCandidate {
  readonly run: TrainingRun;
  readonly step: TrainStep;
}

/** What a search found. */
export interface TrainingSearch {
  /** Those that fit, quickest first; ties by memory. */
  readonly found: readonly TrainingCandidate[];
  readonly tried: number;
  /** Cuts that are possible and do not fit the memory. */
  readonly tooLarge: number;
}

const MICRO_BATCHES = [1, 2, 4, 8];
const INTERLEAVES = [1, 2, 3, 4, 6];

/**
 * Every cut of a run over a number of devices: tensor up to a node, stages, interleaving, data and expert ranks, micro-batch and recomputation; all else as
 * the run has it. Context parallelism stays as given.
 *
 * Complexity: a few thousand steps, each some hundred microseconds. Errors: `figure-missing`.
 */
export function searchTraining(base: TrainingRun, devices: number, memoryBytes: number, costs: TrainingCosts): TrainingSearch {
  const found: TrainingCandidate[] = [];
  let tried = 0;
  let tooLarge = 0;
  for (const parallel of cuts(base, devices, costs.perNode)) {
    for (const microBatch of MICRO_BATCHES) {
      for (const recompute of ["none", "selective", "full"] as const) {
        if (recompute === "selective" && base.attention === "fused") continue;
        const run = { ...base, parallel, microBatch, recompute };
        const step = priced(run, costs);
        if (step === undefined) continue;
        tried += 1;
        if (step.memory.total > memoryBytes) tooLarge += 1;
        else found.push({ run, step });
      }
    }
  }
  found.sort((a, b) => a.step.stepNs - b.step.stepNs || a.step.memory.total - b.step.memory.total);
  return { found, tried, tooLarge };
}

/** Undefined where a run cannot be cut so. */
function priced(run: TrainingRun, costs: TrainingCosts): TrainStep | undefined {
  try {
    return trainStep(run, costs);
  } catch (thrown) {
    if (thrown instanceof HeddleError && thrown.code === "training-invalid") return undefined;
    throw thrown;
  }
}

function* cuts(base: TrainingRun, devices: number, perNode: number): Generator<TrainingParallelism> {
  const { context } = base.parallel;
  const experts = base.model.experts?.count ?? 1;
  for (const tensor of divisors(devices).filter((count) => count <= perNode)) {
    for (const pipeline of divisors(base.model.layers)) {
      const data = devices / (tensor * pipeline * context);
      if (!Number.isInteger(data)) continue;
      for (const interleave of INTERLEAVES) {
        for (const expert of divisors(experts)) yield { tensor, pipeline, interleave, data, context, expert, sequence: tensor > 1 };
      }
    }
  }
}

function divisors(count: number): number[] {
  const found: number[] = [];
  for (let i = 1; i <= count; i++) if (count % i === 0) found.push(i);
  return found;
}
