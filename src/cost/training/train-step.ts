import { backwardQueries, forwardQuery, vocabularyProduct } from "./layer-products.ts";
import { type LayerTime, layerTime } from "./layer-time.ts";
import { deviceParameters, trainingOperations } from "./parameters.ts";
import { checkTraining } from "./training-check.ts";
import { collectiveNs, operatorNs, type TrainingCosts } from "./training-costs.ts";
import { type TrainingMemory, trainingMemory } from "./training-memory.ts";
import { microBatches, microTokens, type TrainingRun, trainingDevices } from "./training-run.ts";

/** A priced training step. Times in ns. */
export interface TrainStep {
  readonly stepNs: number;
  /** Where the time goes: work of the slowest stage, waiting for the pipeline to fill and drain, messages between stages, data parallelism, optimizer. */
  readonly parts: {
    readonly work: number;
    readonly bubble: number;
    readonly messages: number;
    readonly dataParallel: number;
    readonly optimizer: number;
  };
  readonly layer: LayerTime;
  readonly memory: TrainingMemory;
  /** Operations a second and device, of the model alone and with what is recomputed. */
  readonly modelRate: number;
  readonly hardwareRate: number;
}

/** Bytes moved a parameter by Adam: gradient read, weight, two moments read and written in 32 bits, 16-bit weight written. */
const OPTIMIZER_TRAFFIC = 26;
/** Bytes moved an element of the logits by a 32-bit cross entropy, both passes. */
const LOSS_TRAFFIC = 20;

/**
 * Time and memory of one training step.
 *
 * Model: n micro-batches through the slowest stage, and (p - 1) / v of a mean stage's time to fill and drain (Narayanan et al. 2021, section 2.2);
 * the last stage has the vocabulary besides its layers. Collectives of data parallelism and the optimizer come after, unless hidden.
 * Limits: no congestion between groups, no stragglers, even experts.
 * Errors: `training-invalid`, `figure-missing`.
 */
export function trainStep(run: TrainingRun, costs: TrainingCosts): TrainStep {
  checkTraining(run);
  const { model, parallel } = run;
  const count = microBatches(run);
  const layer = layerTime(run, costs);
  const layers = model.layers / parallel.pipeline;
  const message = messageNs(run, costs);
  const sends = parallel.pipeline === 1 || run.overlap.pipeline ? 0 : 2 * parallel.interleave * message;
  const plain = layers * (layer.forward + layer.backward);
  const slowest = plain + vocabularyNs(run, costs);
  const work = count * slowest;
  const bubble = ((parallel.pipeline - 1) * (plain + sends)) / parallel.interleave;
  const messages = count * sends;
  const dataParallel = dataParallelNs(run, costs, layers * layer.backward);
  const optimizer = optimizerNs(run, costs);
  const stepNs = work + bubble + messages + dataParallel + optimizer;
  const operations = trainingOperations(run);
  const perDevice = (operationsOfStep: number): number => operationsOfStep / trainingDevices(run) / (stepNs / 1e9);
  return {
    stepNs,
    parts: { work, bubble, messages, dataParallel, optimizer },
    layer,
    memory: trainingMemory(run),
    modelRate: perDevice(operations.model),
    hardwareRate: perDevice(operations.hardware),
  };
}

/** The output vocabulary and the loss, both passes. */
function vocabularyNs(run: TrainingRun, costs: TrainingCosts): number {
  const product = vocabularyProduct(run);
  let ns = operatorNs(costs.operators, { op: "stream", bytes: LOSS_TRAFFIC * product.rows * product.outputs });
  for (const query of [forwardQuery(product, run.type), ...backwardQueries(product, run.type)]) ns += operatorNs(costs.operators, query);
  return ns;
}

/** One message between stages: activations of a micro-batch; without sequence parallelism each rank sends its share, gathered again behind it. */
function messageNs(run: TrainingRun, costs: TrainingCosts): number {
  const { tensor, context, data, pipeline, sequence } = run.parallel;
  if (pipeline === 1) return 0;
  const bytes = microTokens(run) * run.model.width * 2;
  const sameNode = tensor * context * data * 2 <= costs.perNode;
  const sent = operatorNs(costs.network, { op: "point-to-point", bytes: bytes / tensor, sameNode });
  return sent + (sequence ? 0 : collectiveNs(costs, "all-gather", bytes, tensor, 1));
}

/** Collectives over data-parallel ranks that are not hidden behind the last backward pass. */
function dataParallelNs(run: TrainingRun, costs: TrainingCosts, backwardNs: number): number {
  const { tensor, context, data, expert } = run.parallel;
  const { dense, experts } = deviceParameters(run);
  const copies = data * context;
  const expertCopies = Math.max(1, (copies * tensor) / Math.max(expert, tensor));
  let ns = 0;
  for (const [parameters, ranks] of [
    [dense, copies],
    [experts, expertCopies],
  ] as const) {
    if (ranks === 1 || parameters === 0) continue;
    const gradients = parameters * run.gradientBytes;
    const weights = 2 * parameters;
    const gather = (): number => collectiveNs(costs, "all-gather", weights, ranks, tensor);
    if (run.zero === 0) ns += collectiveNs(costs, "all-reduce", gradients, ranks, tensor);
    else ns += collectiveNs(costs, "reduce-scatter", gradients, ranks, tensor) + gather() * (run.zero === 3 ? 2 : 1);
  }
  return run.overlap.gradients ? Math.max(0, ns - backwardNs) : ns;
}

function optimizerNs(run: TrainingRun, costs: TrainingCosts): number {
  const { tensor, context, data, expert } = run.parallel;
  const { dense, experts } = deviceParameters(run);
  const divided = run.zero >= 1;
  const copies = data * context;
  const expertCopies = Math.max(1, (copies * tensor) / Math.max(expert, tensor));
  const own = dense / (divided ? copies : 1) + experts / (divided ? expertCopies : 1);
  return operatorNs(costs.operators, { op: "stream", bytes: (OPTIMIZER_TRAFFIC + run.gradientBytes) * own });
}
