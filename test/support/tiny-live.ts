/** A tiny model with a plan for it: what live tests serve. Costs come from a synthetic rack, since no test may depend on this machine's speed. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StageCalibration, StageIdentity } from "../../src/cost/stage-calibration.ts";
import type { StageFormat } from "../../src/cost/stage-format.ts";
import type { StepCostInput } from "../../src/cost/step-cost-from.ts";
import { openDecoderModel } from "../../src/execute/model-store/open-model.ts";
import { kvBytesPerToken } from "../../src/graph/decoder/spec.ts";
import { DEFAULT_POLICY } from "../../src/plan/default-policy.ts";
import type { Plan, PolicyParameters, ReplicaPlan, StagePlan } from "../../src/plan/plan.ts";
import { BLOCK_TOKENS } from "../../src/state/block.ts";
import { fastCore, syntheticCalibration, syntheticDevice, syntheticRack, withKernels } from "./synthetic-rack.ts";
import { type TinyModelOptions, writeTinyGguf } from "./tiny-gguf.ts";

export interface TinyLiveOptions {
  readonly model?: TinyModelOptions;
  readonly replicas?: number;
  readonly stages?: number;
  readonly format?: StageFormat;
  /** `format` where absent. */
  readonly decodeFormat?: StageFormat;
  /** `llama`: the whole model in llama.cpp, without sealed blocks. */
  readonly driver?: "ort" | "llama";
  /** A model file in place of the tiny one. */
  readonly path?: string;
  readonly maxSequences?: number;
  readonly workingPages?: number;
  readonly sealedSlots?: number;
  readonly contextLimit?: number;
  readonly policy?: Partial<PolicyParameters>;
}

export interface TinyLive {
  readonly folder: string;
  readonly plan: Plan;
  readonly costs: readonly StepCostInput[];
}

const FREE = { valueNs: 1e6, lowNs: 5e5, highNs: 2e6, basis: "measured", source: "synthetic" } as const;

export function tinyLive(options: TinyLiveOptions = {}): TinyLive {
  const folder = mkdtempSync(join(tmpdir(), "heddle-live-"));
  const path = options.path ?? writeTinyGguf(join(folder, "tiny.gguf"), options.model);
  const model = openDecoderModel(path);
  const { replicas = 1, stages = 1, driver = "ort" } = options;
  const { format = driver === "llama" ? "file" : "f32" } = options;
  const { decodeFormat = format } = options;
  const calibration = decodeFormat === "block-int8" ? { calibration: withKernels(syntheticCalibration(fastCore), 200) } : {};
  const rack = syntheticRack(Array.from({ length: stages }, (_, i) => syntheticDevice(`cpu-${i}`, calibration)));
  const cuts = Array.from({ length: stages + 1 }, (_, i) => Math.round((i * model.spec.layers) / stages));
  const stagePlans = Array.from(
    { length: stages },
    (_, i): StagePlan => ({
      fromLayer: cuts[i]!,
      toLayer: cuts[i + 1]!,
      device: `cpu-${i}`,
      driver,
      threads: 1,
      prefillFormat: format,
      decodeFormat,
      decodeStep: FREE,
      prefill512: FREE,
      why: "test",
    }),
  );
  const replicaOf = (id: number): ReplicaPlan => ({
    id,
    stages: stagePlans,
    workingPages: options.workingPages ?? 256,
    sealedSlots: options.sealedSlots ?? (driver === "llama" ? 0 : 128),
    pageBytes: kvBytesPerToken(model.spec) * BLOCK_TOKENS,
    maxSequences: options.maxSequences ?? 8,
    contextLimit: options.contextLimit ?? 1024,
  });
  const plan: Plan = {
    version: 1,
    model: { name: "tiny", fingerprint: model.fingerprint, path },
    rackFingerprint: rack.fingerprint,
    replicas: Array.from({ length: replicas }, (_, id) => replicaOf(id)),
    policy: { ...DEFAULT_POLICY, ...options.policy },
    predicted: { ttft512: FREE, tpot: FREE, tokensPerSecond8: 1 },
    reasons: [],
  };
  const { fingerprint: modelFingerprint, spec } = model;
  const identity = { rackFingerprint: rack.fingerprint, modelFingerprint };
  // What has no operator tables is priced by its own measurement: here an invented one.
  const stageCalibrations = driver === "llama" ? stagePlans.map((stage) => inventedCalibration({ ...stage, ...identity })) : [];
  const cost: StepCostInput = { spec, modelFingerprint, rack, stages: stagePlans, stageCalibrations };
  return { folder, plan, costs: plan.replicas.map(() => cost) };
}

/** Times of a stage that nobody measured, for racks that are not real either. */
export function inventedCalibration(identity: StageIdentity): StageCalibration {
  const { rackFingerprint, modelFingerprint, fromLayer, toLayer, driver, threads, prefillFormat, decodeFormat } = identity;
  const grid = [1, 8].flatMap((batch) => [64, 512].map((context) => ({ batch, context, ns: 1e6 * batch })));
  const prefill = [16, 256].flatMap((count) => [0, 512].map((context) => ({ count, context, ns: 1e5 * count })));
  return {
    ...{ rackFingerprint, modelFingerprint, fromLayer, toLayer, driver, threads, prefillFormat, decodeFormat },
    ...{ pageTokens: BLOCK_TOKENS, decode: grid, prefill, mixed: [] },
    ...{ sampleNs: 1e5, drawNs: 1e4, sealNs: 0, gatherNs: 0, moveNs: 0, noise: 0.1, drift: 0 },
  };
}
