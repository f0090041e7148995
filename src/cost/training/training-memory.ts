import { deviceParameters } from "./parameters.ts";
import { microBatches, microTokens, type TrainingRun } from "./training-run.ts";

/** Memory of the fullest device. Units: bytes. */
export interface TrainingMemory {
  readonly weights: number;
  readonly gradients: number;
  readonly optimizer: number;
  readonly activations: number;
  readonly total: number;
}

/** Adam in mixed precision: a 32-bit copy of the weight and two moments. Units: bytes a parameter. */
const OPTIMIZER_BYTES = 12;
const WEIGHT_BYTES = 2;

/**
 * Memory of the first stage's devices, which hold the most micro-batches.
 *
 * Model: parameters x bytes, divided by data-parallel ranks as the ZeRO stage says; activations of a layer times the layers of the micro-batches in
 * flight (1F1B: one a stage behind it; interleaved: (1 + (p - 1) / (p v)) times that). Work space and fragments are not counted.
 * Source: Rajbhandari et al., ZeRO, arXiv:1910.02054; Korthikanti et al., arXiv:2205.05198, section 4.
 */
export function trainingMemory(run: TrainingRun): TrainingMemory {
  const { parallel, zero } = run;
  const parameters = deviceParameters(run);
  const copies = parallel.data * parallel.context;
  const expertCopies = Math.max(1, (copies * parallel.tensor) / Math.max(parallel.expert, parallel.tensor));
  const held = (bytes: number, divided: boolean): number =>
    bytes * (parameters.dense / (divided ? copies : 1) + parameters.experts / (divided ? expertCopies : 1));
  const weights = held(WEIGHT_BYTES, zero >= 3);
  const gradients = held(run.gradientBytes, zero >= 2);
  const optimizer = held(OPTIMIZER_BYTES, zero >= 1);
  const activations = activationBytes(run);
  return { weights, gradients, optimizer, activations, total: weights + gradients + optimizer + activations };
}

function activationBytes(run: TrainingRun): number {
  const { model, parallel } = run;
  const { pipeline, interleave } = parallel;
  const inFlight = Math.min(microBatches(run), pipeline) * (1 + (interleave > 1 ? (pipeline - 1) / (pipeline * interleave) : 0));
  const layers = (model.layers / pipeline) * inFlight * layerActivationBytes(run);
  const logits = pipeline === 1 ? (4 * microTokens(run) * model.vocabulary) / parallel.tensor : 0;
  return layers + logits;
}

/**
 * Activations that one layer keeps for one micro-batch on one device. For a GPT layer: sbh(34 + 5as/h) on one device, (10 + 24/t) where norms and
 * dropout are not divided, 2sbh with full recomputation. Units: bytes.
 */
export function layerActivationBytes(run: TrainingRun): number {
  const { model, parallel, sequence } = run;
  const tokens = microTokens(run);
  const wide = tokens * model.width;
  const shared = parallel.sequence ? wide / parallel.tensor : wide;
  if (run.recompute === "full") return 2 * shared;
  const heads = tokens * model.headDim * model.heads;
  const keys = tokens * model.headDim * model.kvHeads;
  const inner = tokens * (model.experts === undefined ? model.inner : model.experts.inner * model.experts.active);
  const routed = model.experts === undefined ? 1 : model.experts.active;
  // Inputs of both norms (2 + 2), of both first products (2 + 2), masks of both dropouts (1 + 1).
  const outside = (8 + 2 * routed) * shared;
  const inside = 2 * heads + 4 * keys + 2 * heads + 2 * inner * (model.gated ? 3 : 2);
  const scores = run.attention === "separate" && run.recompute === "none" ? 5 * tokens * sequence * model.heads : 0;
  return outside + (inside + scores) / parallel.tensor;
}
