import { assert } from "../../base/assert.ts";
import { NS_PER_S } from "../../base/units.ts";
import { ONE_DEVICE } from "../../cost/iteration/cut.ts";
import { emptyBatch, type IterationCost } from "../../cost/iteration/iteration-cost.ts";
import { iterationCostOf } from "../../cost/iteration/iteration-cost-of.ts";
import { kvBudget } from "../../cost/iteration/kv-budget.ts";
import { physicsModel } from "../../cost/operator/physics/physics-model.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import type { SchedulingRules } from "../../policy/serving/scheduling-rules.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { neededFigure } from "../../rack/catalog/needed-figure.ts";
import { runServing } from "../serving/run-serving.ts";
import type { ReplicaSettings } from "../serving/serving-input.ts";
import { generateColumns } from "../workload/generate/generate-columns.ts";

const PROMPT = 512;
const OUTPUT = 64;
const TTFT_NS = 0.4 * NS_PER_S;
const TPOT_NS = 0.04 * NS_PER_S;
const SHARE = 0.9;
/** Requests of a run and halvings of the search: rates are then known to 2 % (runs with other seeds differ by as much). */
const REQUESTS = 2000;
const HALVINGS = 10;
const RATE_MAX = 60;
const SEED = 3;
/** OPT-13B: keys and values of 40 layers of width 5,120 in 16 bits. */
const LAYERS = 40;
const KV_BYTES_A_TOKEN = 2 * LAYERS * 5120 * 2;

/** vLLM of 2023, which the paper compares with: prompts in iterations of their own and first, whole; its defaults of batch and sequences. */
const RULES: SchedulingRules = {
  name: "vllm-2023",
  maxBatchedTokens: 2048,
  maxSequences: 256,
  chunkedPrefill: false,
  prefixCaching: false,
  mixing: "prefill-first",
  reserve: "text",
  victim: "newest",
  stepsAhead: 0,
  reservedBlocks: 0,
};

/** Share of an engine's time that devices work: the rest is the HTTP server (33 %) and scheduling (29 %). Source: vLLM blog, 2024-09-05, vLLM 0.5.3, Llama 3 8B on an H100. */
const DEVICE_SHARE = 0.38;

/**
 * Requests/s a GPU of 2 prefill GPUs and a decode GPU, over those of one GPU that does both.
 *
 * Model: the rate at which 90 % of Poisson arrivals meet both limits, by simulation of each. KV goes over NVLink. Host time between iterations as the
 * engines of that time had it; without it the gain is 1.4.
 */
export function disaggregationGain(): number {
  const engine = opt13b();
  const [both, apart] = [bestRate(engine, ["both"]), bestRate(engine, ["prefill", "prefill", "decode"])];
  return apart / 3 / both;
}

interface Engine {
  readonly cost: IterationCost;
  readonly kvBlocks: number;
  readonly overheadNs: number;
}

function opt13b(): Engine {
  const sheet = deviceSheet("a100-sxm");
  const architecture = known("OPT-13B");
  const precision = { weights: "f16", kv: "f16" } as const;
  const cost = iterationCostOf({ architecture, sheet, parallel: ONE_DEVICE, precision, operators: physicsModel(sheet) });
  const engine = { maxBatchedTokens: RULES.maxBatchedTokens, maxSequences: RULES.maxSequences, blockTokens: 16, memoryFraction: 0.9 };
  const budget = kvBudget({ architecture, sheet, parallel: ONE_DEVICE, precision, engine });
  assert(cost.ok && budget.ok, "OPT-13B fits an A100", { cost, budget });
  return { cost: cost.value, kvBlocks: budget.value.kvBlocks, overheadNs: hostNs() };
}

/** Host time of an iteration: what the published share leaves beside the least iteration of that model on that device, one sequence that decodes. */
function hostNs(): number {
  const sheet = deviceSheet("h100-sxm");
  const precision = { weights: "bf16", kv: "bf16" } as const;
  const cost = iterationCostOf({
    architecture: known("Llama-3.1-8B"),
    sheet,
    parallel: ONE_DEVICE,
    precision,
    operators: physicsModel(sheet),
  });
  assert(cost.ok, "Llama 3 8B can be priced on an H100", cost);
  const deviceNs = cost.value.iterationNs({ ...emptyBatch(), decodes: 1, decodeContext: PROMPT, decodeContextMax: PROMPT });
  return Math.round((deviceNs * (1 - DEVICE_SHARE)) / DEVICE_SHARE);
}

function known(name: string): SequenceModel {
  const architecture = knownArchitecture(name);
  assert(architecture !== undefined, "the model is in the catalogue", name);
  return architecture;
}

/** The largest rate at which enough requests meet the limits. Units: requests/s. */
function bestRate(engine: Engine, roles: readonly ReplicaSettings["role"][]): number {
  let low = 0;
  let high = RATE_MAX;
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    if (shareMet(engine, roles, middle) >= SHARE) low = middle;
    else high = middle;
  }
  return low;
}

/** Share of requests within both limits at a rate. */
function shareMet(engine: Engine, roles: readonly ReplicaSettings["role"][], rate: number): number {
  const seconds = Math.ceil(REQUESTS / rate);
  const requests = generateColumns(`poisson:rate=${rate.toFixed(6)},prompt=${PROMPT},output=${OUTPUT},seconds=${seconds},seed=${SEED}`);
  const sheet = deviceSheet("a100-sxm");
  const bandwidthBytesPerSecond = neededFigure(sheet, "scaleUp", sheet.scaleUp?.bandwidthBytesPerSecond).value;
  const kvTransfer = { bytesPerToken: KV_BYTES_A_TOKEN, bandwidthBytesPerSecond, latencyNs: 10_000, layerwise: false, layers: LAYERS };
  const run = runServing({
    requests,
    replicas: roles.map((role) => replica(engine, role)),
    routing: "least-loaded",
    seed: 1,
    stepping: "leap",
    ...(roles.length > 1 ? { kvTransfer } : {}),
  });
  let met = 0;
  for (let i = 0; i < requests.count; i++) {
    const ttftNs = run.firstTokenNs[i]! - requests.arrivalNs[i]!;
    const tpotNs = (run.lastTokenNs[i]! - run.firstTokenNs[i]!) / (OUTPUT - 1);
    if (ttftNs >= 0 && ttftNs <= TTFT_NS && tpotNs <= TPOT_NS) met += 1;
  }
  return met / requests.count;
}

function replica({ cost, kvBlocks, overheadNs }: Engine, role: ReplicaSettings["role"]): ReplicaSettings {
  const { maxBatchedTokens, maxSequences } = RULES;
  const limits = { maxBatchedTokens, maxSequences, blockTokens: 16, kvBlocks, prefixCaching: false, chunkedPrefill: false };
  return { pool: role === "decode" ? 1 : 0, role, cost, ...limits, overheadNs, startUpNs: 0, rules: RULES };
}
