import { describe, expect, it } from "vitest";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { modelParameters } from "./parameters.ts";
import { searchTraining } from "./search-training.ts";
import { sheetTrainingCosts } from "./sheet-training-costs.ts";
import { trainStep } from "./train-step.ts";
import { trainedModel } from "./trained-model.ts";
import type { TrainedModel, TrainingRun } from "./training-run.ts";

function modelOf(name: string): TrainedModel {
  const read = trainedModel(knownArchitecture(name)!);
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read.value;
}

const costs = sheetTrainingCosts(deviceSheet("h100-sxm"));
const base: TrainingRun = {
  model: modelOf("Llama-3.1-8B"),
  sequence: 4096,
  microBatch: 1,
  globalBatch: 64,
  parallel: { tensor: 1, pipeline: 1, interleave: 1, data: 16, context: 1, expert: 1, sequence: false },
  recompute: "none",
  zero: 1,
  attention: "fused",
  type: "bf16",
  gradientBytes: 4,
  overlap: { gradients: true, pipeline: true },
};

describe("models to train", () => {
  it("have the published numbers of parameters, untied heads apart", () => {
    expect(modelParameters(modelOf("Llama-3.1-70B")) / 69.5e9).toBeCloseTo(1, 2);
    expect(modelParameters(modelOf("Mixtral-8x7B")) / 46.6e9).toBeCloseTo(1, 2);
    expect(modelOf("Mixtral-8x7B").experts).toEqual({ count: 8, active: 2, inner: 14_336 });
  });

  it("are refused where their layers are of several kinds", () => {
    for (const name of ["DeepSeek-V3", "Qwen3-Next-80B-A3B"])
      expect(trainedModel(knownArchitecture(name)!)).toMatchObject({ ok: false, error: { code: "no-basis" } });
  });
});

describe("search for a cut", () => {
  const memory = deviceSheet("h100-sxm").memory.capacityBytes.value;
  const { found, tried, tooLarge } = searchTraining(base, 16, memory, costs);

  it("finds cuts that fit, quickest first, each priced as it would be alone", () => {
    expect(found.length).toBeGreaterThan(20);
    expect(found.length + tooLarge).toBe(tried);
    for (let i = 1; i < found.length; i++) expect(found[i]!.step.stepNs).toBeGreaterThanOrEqual(found[i - 1]!.step.stepNs);
    for (const { run, step } of found.slice(0, 5)) {
      expect(step.memory.total).toBeLessThanOrEqual(memory);
      expect(run.parallel.tensor * run.parallel.pipeline * run.parallel.data).toBe(16);
      expect(trainStep(run, costs).stepNs).toBe(step.stepNs);
    }
  });

  it("misses none of what is written down beside it", () => {
    const byHand = trainStep({ ...base, parallel: { ...base.parallel, tensor: 2, data: 8, sequence: true } }, costs);
    expect(byHand.memory.total).toBeLessThan(memory);
    expect(found.some(({ step }) => step.stepNs === byHand.stepNs)).toBe(true);
    expect(found[0]!.step.stepNs).toBeLessThanOrEqual(byHand.stepNs);
  });

  it("finds none where memory is too small, and says how many there were", () => {
    const small = searchTraining(base, 16, 1e9, costs);
    expect(small.found).toEqual([]);
    expect(small.tooLarge).toBe(small.tried);
    expect(small.tried).toBe(tried);
  });
});
