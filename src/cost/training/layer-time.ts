import type { OperatorQuery } from "../operator/operator-query.ts";
import { coreBackward, coreForward } from "./attention-core.ts";
import { backwardQueries, forwardQuery, layerProducts } from "./layer-products.ts";
import { collectiveNs, operatorNs, type TrainingCosts } from "./training-costs.ts";
import { microTokens, type TrainingRun } from "./training-run.ts";

/** Times of one layer for one micro-batch on one device. Units: ns. */
export interface LayerTime {
  /** Products with weights, attention without weights, element-wise work, gradients added, collectives: forward, backward and recomputed together. */
  readonly products: number;
  readonly attention: number;
  readonly elementwise: number;
  readonly gradients: number;
  readonly collectives: number;
  readonly forward: number;
  /** With what is recomputed. */
  readonly backward: number;
}

/** Bytes of an element of activations. */
const ELEMENT = 2;
/**
 * Bytes moved an element of [tokens, width] by each kernel: a norm reads and writes; bias, dropout and residual are one kernel that reads two, writes
 * one and a mask. Backward: a norm reads input and gradient and writes one; dropout reads gradient and mask; gradients of the two branches are added.
 */
const NORM = { forward: 4, backward: 6 };
const RESIDUAL = { forward: 7, backward: 5 };
const BRANCH_SUM = 6;
/** Per element: GeLU reads one and writes one; with a gate it reads two. Backward it reads the gradient too. */
const ACTIVATION = { forward: 4, backward: 6 };
const GATED = { forward: 6, backward: 10 };

/**
 * Time of a layer.
 *
 * Model: sums of kernels (nothing overlaps but the all-gather of sequence parallelism in the backward pass, which hides behind a product, and the
 * ring of context parallelism, which hides behind attention). Gradients of weights are added to ones of `gradientBytes` in a pass of their own.
 */
export function layerTime(run: TrainingRun, costs: TrainingCosts): LayerTime {
  const sum = (queries: readonly OperatorQuery[]): number => {
    let ns = 0;
    for (const query of queries) ns += operatorNs(costs.operators, query);
    return ns;
  };
  const weights = layerProducts(run);
  const experts = expertTimes(run, costs);
  const productsForward = sum(weights.map((product) => forwardQuery(product, run.type))) + experts.products;
  const productsBackward = sum(weights.flatMap((product) => backwardQueries(product, run.type))) + 2 * experts.products;
  const coreNs = sum(coreForward(run));
  const { operators, factor } = coreBackward(run);
  const coreBackNs = factor * sum(operators);
  const elementForward = sum(elementwise(run, "forward"));
  const elementBackward = sum(elementwise(run, "backward"));
  const ring = ringExposed(run, costs, coreNs);
  const collectives = tensorCollectives(run, costs) + experts.exchange;
  const full = run.recompute === "full" ? 1 : 0;
  const again = run.recompute === "full" || (run.recompute === "selective" && run.attention === "separate") ? 1 : 0;
  const gradients = gradientAdd(run, costs, weights);
  const forward = productsForward + coreNs + elementForward + collectives + ring;
  const backward =
    productsBackward +
    coreBackNs +
    elementBackward +
    gradients +
    collectives +
    2 * ring +
    again * coreNs +
    full * (forward - coreNs - ring);
  return {
    products: (1 + full) * productsForward + productsBackward,
    attention: (1 + again) * coreNs + coreBackNs,
    elementwise: (1 + full) * elementForward + elementBackward,
    gradients,
    collectives: (2 + full) * collectives + 3 * ring,
    forward,
    backward,
  };
}

/** Micro-batches add to gradients: the new ones are added to those in memory, read and written. */
function gradientAdd(run: TrainingRun, costs: TrainingCosts, weights: ReturnType<typeof layerProducts>): number {
  let elements = 0;
  for (const { inputs, outputs } of weights) elements += inputs * outputs;
  const { model, parallel } = run;
  if (model.experts !== undefined) {
    const held = model.experts.count / parallel.expert;
    elements += (held * (model.gated ? 3 : 2) * model.width * model.experts.inner) / expertTensor(run);
  }
  return operatorNs(costs.operators, { op: "stream", bytes: 2 * run.gradientBytes * elements });
}

function elementwise(run: TrainingRun, pass: "forward" | "backward"): readonly OperatorQuery[] {
  const { model, parallel } = run;
  const tokens = microTokens(run);
  const wide = (tokens * model.width) / (parallel.sequence ? parallel.tensor : 1);
  const inner = model.experts === undefined ? model.inner : model.experts.inner * model.experts.active;
  const activation = (tokens * inner) / parallel.tensor;
  const heads = ((model.heads + 2 * model.kvHeads) * model.headDim * tokens) / parallel.tensor;
  const kernels = [NORM[pass], NORM[pass], RESIDUAL[pass], RESIDUAL[pass], ...(pass === "backward" ? [BRANCH_SUM, BRANCH_SUM] : [])];
  return [
    ...kernels.map((bytes) => bytes * wide),
    (model.gated ? GATED : ACTIVATION)[pass] * activation,
    // Queries, keys and values are rotated or laid out anew.
    2 * ELEMENT * heads,
  ].map((bytes) => ({ op: "stream", bytes }));
}

/** Collectives of tensor parallelism in one pass: around attention and around the feed-forward part. */
function tensorCollectives(run: TrainingRun, costs: TrainingCosts): number {
  const { tensor, sequence } = run.parallel;
  const bytes = microTokens(run) * run.model.width * ELEMENT;
  if (!sequence) return 2 * collectiveNs(costs, "all-reduce", bytes, tensor, 1);
  return 2 * (collectiveNs(costs, "all-gather", bytes, tensor, 1) + collectiveNs(costs, "reduce-scatter", bytes, tensor, 1));
}

/** Keys and values go round the context-parallel ranks; what attention does not hide. */
function ringExposed(run: TrainingRun, costs: TrainingCosts, coreNs: number): number {
  const { context, tensor } = run.parallel;
  if (context === 1) return 0;
  const keys = 2 * Math.max(1, run.model.kvHeads / tensor) * run.model.headDim;
  const sameNode = tensor * context <= costs.perNode;
  const message = operatorNs(costs.network, { op: "point-to-point", bytes: microTokens(run) * keys * ELEMENT, sameNode });
  return Math.max(0, (context - 1) * message - coreNs);
}

/** Tensor-parallel ranks that share an expert: those the expert groups leave. */
function expertTensor({ parallel }: TrainingRun): number {
  return Math.max(1, parallel.tensor / Math.min(parallel.tensor, parallel.expert));
}

function expertTimes(run: TrainingRun, costs: TrainingCosts): { readonly products: number; readonly exchange: number } {
  const { model, parallel, type } = run;
  if (model.experts === undefined) return { products: 0, exchange: 0 };
  const { count, active, inner } = model.experts;
  const own = microTokens(run) / (parallel.sequence ? parallel.tensor : 1);
  const tokens = own * parallel.expert;
  const ranks = { tensor: expertTensor(run), expert: parallel.expert };
  const sent = parallel.expert > 1 ? ({ dispatched: true } as const) : {};
  const query = {
    op: "experts",
    tokens,
    width: model.width,
    inner,
    active,
    experts: count,
    ranks,
    type,
    load: "balanced",
    ...sent,
  } as const;
  const bytes = own * active * model.width * ELEMENT;
  const stride = parallel.expert <= costs.perNode ? 1 : parallel.tensor;
  return { products: operatorNs(costs.operators, query), exchange: 2 * collectiveNs(costs, "all-to-all", bytes, parallel.expert, stride) };
}
