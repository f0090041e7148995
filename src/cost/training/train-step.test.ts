// Goal: steps and memory of training follow from their parts. Method: published formulas of memory and operations, a schedule simulated task by task, and
// changes whose direction and size are known; planted faults in the run description.
import { describe, expect, it } from "vitest";
import { toHeddleError } from "../../base/heddle-error.ts";
import { ok } from "../../base/result.ts";
import type { OperatorModel } from "../operator/operator-model.ts";
import type { OperatorQuery } from "../operator/operator-query.ts";
import { modelParameters, trainingOperations } from "./parameters.ts";
import { trainStep } from "./train-step.ts";
import type { TrainingCosts } from "./training-costs.ts";
import { layerActivationBytes, trainingMemory } from "./training-memory.ts";
import type { TrainedModel, TrainingRun } from "./training-run.ts";

/** Peak 1 TFLOP/s, 1 TB/s, 0.1 TB/s between devices: times are operations, bytes and ten times bytes in ps. */
function ideal(query: OperatorQuery): number {
  switch (query.op) {
    case "product":
      return (2 * query.m * query.n * query.k) / 1e3;
    case "prefill-attention":
      return (2 * query.batch * query.tokens * query.tokens * query.heads * query.headDim) / 1e3;
    case "experts":
      return (4 * query.tokens * query.active * query.width * query.inner) / (query.ranks.expert * query.ranks.tensor) / 1e3;
    case "stream":
      return query.bytes / 1e3;
    case "collective":
      return query.ranks > query.ranksPerNode ? query.bytes / 10 : query.bytes / 100;
    case "point-to-point":
      return query.bytes / (query.sameNode ? 100 : 10);
    default:
      throw new Error(query.op);
  }
}
const model: OperatorModel = { source: "ideal", price: (query) => ok({ ns: ideal(query), spread: 0, basis: "data-sheet" }) };
const costs: TrainingCosts = { operators: model, network: model, perNode: 8 };

const GPT3: TrainedModel = {
  layers: 96,
  width: 12_288,
  heads: 96,
  kvHeads: 96,
  headDim: 128,
  inner: 49_152,
  gated: false,
  vocabulary: 51_200,
};
const RUN: TrainingRun = {
  model: GPT3,
  sequence: 2048,
  microBatch: 1,
  globalBatch: 64,
  parallel: { tensor: 8, pipeline: 8, interleave: 1, data: 1, context: 1, expert: 1, sequence: true },
  recompute: "selective",
  zero: 0,
  attention: "separate",
  type: "bf16",
  gradientBytes: 4,
  overlap: { gradients: false, pipeline: false },
};
const SMALL: TrainedModel = { layers: 8, width: 1024, heads: 16, kvHeads: 4, headDim: 64, inner: 4096, gated: true, vocabulary: 32_000 };
const DATA: TrainingRun = {
  ...RUN,
  model: SMALL,
  globalBatch: 16,
  parallel: { tensor: 1, pipeline: 1, interleave: 1, data: 8, context: 1, expert: 1, sequence: false },
  attention: "fused",
  recompute: "none",
};

describe("memory of training", () => {
  it("is sbh(34 + 5as/h) of activations a GPT layer, and less as Korthikanti et al. state", () => {
    const one = { ...RUN, recompute: "none", parallel: { ...RUN.parallel, tensor: 1, sequence: false } } as const;
    const sbh = 2048 * 12_288;
    expect(layerActivationBytes(one) / sbh).toBeCloseTo(34 + 80, 9);
    expect(layerActivationBytes({ ...one, recompute: "selective" }) / sbh).toBeCloseTo(34, 9);
    expect(layerActivationBytes({ ...one, recompute: "full" }) / sbh).toBeCloseTo(2, 9);
    expect(layerActivationBytes({ ...one, attention: "fused" }) / sbh).toBeCloseTo(34, 9);
    const tensor = { ...RUN, recompute: "none", parallel: { ...RUN.parallel, sequence: false } } as const;
    expect(layerActivationBytes(tensor) / sbh).toBeCloseTo(10 + 24 / 8 + 80 / 8, 9);
    expect(layerActivationBytes(RUN) / sbh).toBeCloseTo(34 / 8, 9);
  });

  it("fits 80 GB for the published run of 175 billion parameters with sequence parallelism, and not with all activations of one rank", () => {
    expect(modelParameters(GPT3)).toBeGreaterThan(174e9);
    expect(modelParameters(GPT3)).toBeLessThan(176e9);
    expect(trainingMemory({ ...RUN, parallel: { ...RUN.parallel, interleave: 3 } }).total).toBeLessThan(80e9);
    expect(trainingMemory({ ...RUN, recompute: "none", parallel: { ...RUN.parallel, sequence: false } }).total).toBeGreaterThan(80e9);
  });

  it("is divided over data-parallel ranks as ZeRO's stages say", () => {
    const state = (zero: 0 | 1 | 2 | 3): number => {
      const { weights, gradients, optimizer } = trainingMemory({ ...DATA, zero, gradientBytes: 2 });
      return (weights + gradients + optimizer) / modelParameters(SMALL);
    };
    expect(state(0)).toBeCloseTo(16, 9);
    expect(state(1)).toBeCloseTo(4 + 12 / 8, 9);
    expect(state(2)).toBeCloseTo(2 + 14 / 8, 9);
    expect(state(3)).toBeCloseTo(16 / 8, 9);
  });

  it("is divided over context-parallel ranks", () => {
    const context = { ...DATA, parallel: { ...DATA.parallel, data: 2, context: 4 } };
    expect(layerActivationBytes(context) * 4).toBe(layerActivationBytes(DATA));
  });
});

describe("time of a training step", () => {
  it("counts operations as Narayanan et al. do", () => {
    const { layers: l, width: h, vocabulary: v } = GPT3;
    const s = 2048;
    const published = 72 * 64 * l * s * h * h * (1 + s / (6 * h) + v / (12 * h * l));
    expect(trainingOperations(RUN).model / published).toBeCloseTo(1, 9);
    const recomputed = 96 * 64 * l * s * h * h * (1 + s / (6 * h) + v / (16 * h * l));
    expect(trainingOperations({ ...RUN, recompute: "full" }).hardware / recomputed).toBeCloseTo(1, 9);
  });

  it.each([
    [1, 4],
    [4, 4],
    [4, 12],
    [8, 32],
  ])("of a pipeline of %d stages and %d micro-batches is that of 1F1B simulated task by task", (stages, count) => {
    const run = {
      ...RUN,
      globalBatch: count,
      overlap: { gradients: false, pipeline: true },
      parallel: { ...RUN.parallel, pipeline: stages },
    };
    const step = trainStep(run, costs);
    const { forward, backward } = step.layer;
    const layers = GPT3.layers / stages;
    const vocabulary = step.parts.work / count - layers * (forward + backward);
    const times = Array.from({ length: stages }, (_, stage) => ({
      forward: layers * forward,
      backward: layers * backward + (stage === stages - 1 ? vocabulary : 0),
    }));
    const simulated = oneForwardOneBackward(times, count);
    expect((step.parts.work + step.parts.bubble) / simulated).toBeCloseTo(1, 2);
  });

  it("waits less with an interleaved schedule, and sends more", () => {
    const plain = trainStep(RUN, costs);
    const interleaved = trainStep({ ...RUN, parallel: { ...RUN.parallel, interleave: 3 } }, costs);
    expect(interleaved.parts.bubble / plain.parts.bubble).toBeLessThan(0.36);
    expect(interleaved.parts.messages / plain.parts.messages).toBeCloseTo(3, 9);
    expect(interleaved.memory.activations / plain.memory.activations).toBeCloseTo(1 + 7 / 24, 9);
  });

  it("with full recomputation takes one more forward pass of the layers", () => {
    const none = trainStep({ ...RUN, recompute: "none" }, costs);
    const full = trainStep({ ...RUN, recompute: "full" }, costs);
    expect(full.layer.backward - none.layer.backward).toBeCloseTo(none.layer.forward, -1);
    const selective = trainStep(RUN, costs);
    expect(selective.layer.backward).toBeGreaterThan(none.layer.backward);
    expect(selective.layer.backward).toBeLessThan(full.layer.backward);
  });

  it("grows with the bytes data-parallel ranks exchange, unless they are hidden", () => {
    const step = (zero: 0 | 1 | 3, gradients = false) => trainStep({ ...DATA, zero, overlap: { gradients, pipeline: false } }, costs).parts;
    expect(step(3).dataParallel).toBeGreaterThan(step(1).dataParallel);
    expect(step(0, true).dataParallel).toBeLessThan(step(0).dataParallel);
    expect(step(0).optimizer / step(1).optimizer).toBeCloseTo(8, 9);
  });

  it("prices experts, their exchange over ranks, and context parallelism", () => {
    const experts = { count: 16, active: 2, inner: 2048 };
    const mixture = { ...DATA, model: { ...SMALL, experts } };
    const apart = { ...mixture, parallel: { ...DATA.parallel, expert: 8 } };
    expect(trainStep(mixture, costs).layer.collectives).toBe(0);
    expect(trainStep(apart, costs).layer.collectives).toBeGreaterThan(0);
    expect(trainStep(apart, costs).memory.optimizer).toBeLessThan(trainStep(mixture, costs).memory.optimizer);
    const context = { ...DATA, parallel: { ...DATA.parallel, data: 2, context: 4 } };
    expect(trainStep(context, costs).layer.attention * 4).toBeCloseTo(trainStep(DATA, costs).layer.attention, 0);
  });
});

describe("training runs that cannot be", () => {
  const parallel = RUN.parallel;
  const faults: readonly [string, TrainingRun][] = [
    ["parallel.pipeline", { ...RUN, parallel: { ...parallel, pipeline: 7 } }],
    ["parallel.tensor", { ...RUN, parallel: { ...parallel, tensor: 5 } }],
    ["parallel.interleave", { ...RUN, globalBatch: 63, parallel: { ...parallel, interleave: 3 } }],
    ["parallel.interleave", { ...RUN, parallel: { ...parallel, pipeline: 1, interleave: 2 } }],
    ["parallel.sequence", { ...RUN, parallel: { ...parallel, tensor: 1 } }],
    ["parallel.expert", { ...RUN, parallel: { ...parallel, expert: 2 } }],
    ["parallel.context", { ...RUN, parallel: { ...parallel, context: 3 } }],
    ["globalBatch", { ...RUN, globalBatch: 63, parallel: { ...parallel, data: 2 } }],
    ["zero", { ...RUN, zero: 3 }],
    ["microBatch", { ...RUN, microBatch: 0 }],
    ["model.kvHeads", { ...RUN, model: { ...GPT3, kvHeads: 64 } }],
    ["model.experts.active", { ...RUN, model: { ...GPT3, experts: { count: 8, active: 9, inner: 1024 } } }],
  ];

  it.each(faults)("are refused by their field: %s", (field, run) => {
    try {
      trainStep(run, costs);
    } catch (thrown) {
      const error = toHeddleError(thrown);
      expect(error.code).toBe("training-invalid");
      expect(error.where).toBe(field);
      return;
    }
    throw new Error("the run was priced");
  });

  it("and a price that is missing is named", () => {
    const none: OperatorModel = { source: "x", price: () => ({ ok: false, error: { code: "no-basis", missing: "the peak for bf16" } }) };
    expect(() => trainStep(RUN, { ...costs, operators: none })).toThrow(/figure-missing|the peak for bf16/);
  });
});

/** Time of a 1F1B schedule: each stage does its warm-up forwards, then alternates, then drains; a task starts when its stage and its input are ready. */
function oneForwardOneBackward(times: readonly { readonly forward: number; readonly backward: number }[], count: number): number {
  const stages = times.length;
  const orders = times.map((_, stage) => {
    const warm = Math.min(count, stages - 1 - stage);
    const order: (readonly ["f" | "b", number])[] = Array.from({ length: warm }, (_unused, index) => ["f", index]);
    for (let index = warm; index < count; index++) order.push(["f", index], ["b", index - warm]);
    for (let index = count - warm; index < count; index++) order.push(["b", index]);
    return order;
  });
  const done = new Map<string, number>();
  const next = times.map(() => 0);
  const free = times.map(() => 0);
  for (let left = 2 * stages * count; left > 0; ) {
    for (let stage = 0; stage < stages; stage++) {
      const task = orders[stage]![next[stage]!];
      if (task === undefined) continue;
      const [kind, index] = task;
      const first = kind === "f" ? stage === 0 : stage === stages - 1;
      const input = first
        ? kind === "f"
          ? 0
          : done.get(`f${stage} ${index}`)
        : done.get(`${kind}${kind === "f" ? stage - 1 : stage + 1} ${index}`);
      if (input === undefined) continue;
      const end = Math.max(free[stage]!, input) + (kind === "f" ? times[stage]!.forward : times[stage]!.backward);
      done.set(`${kind}${stage} ${index}`, end);
      free[stage] = end;
      next[stage]! += 1;
      left -= 1;
    }
  }
  return Math.max(...free);
}
