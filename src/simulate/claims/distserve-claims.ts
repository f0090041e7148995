import { assert } from "../../base/assert.ts";
import { NS_PER_S } from "../../base/units.ts";
import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import { emptyBatch } from "../../cost/iteration/iteration-cost.ts";
import { iterationCostOf } from "../../cost/iteration/iteration-cost-of.ts";
import { kvBudget } from "../../cost/iteration/kv-budget.ts";
import { physicsModel } from "../../cost/operator/physics/physics-model.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import type { SchedulingRules } from "../../policy/serving/scheduling-rules.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { neededFigure } from "../../rack/catalog/needed-figure.ts";
import { runServing } from "../serving/run-serving.ts";
import type { ReplicaSettings, RequestColumns, ServingOutcome } from "../serving/serving-input.ts";
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
const KV_BYTES_A_TOKEN = 2 * 40 * 5120 * 2;

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

/**
 * Requests/s a GPU of 2 prefill GPUs and a decode GPU, over those of one GPU that does both.
 *
 * Model: the rate at which 90 % of Poisson arrivals meet both limits, by simulation of each. Hand-over: prompts run on the first two GPUs; the decode GPU gets a request
 * when its KV has come over NVLink (messages do not share the link), and computes no prompt. Host time between iterations is left out on both sides.
 */
export function disaggregationGain(): number {
  const engine = opt13b();
  const both = bestRate((rate) => met1(engine, rate));
  const apart = bestRate((rate) => met3(engine, rate));
  return apart / 3 / both;
}

interface Engine {
  readonly cost: IterationCost;
  readonly kvBlocks: number;
}

function opt13b(): Engine {
  const sheet = deviceSheet("a100-sxm");
  const architecture = knownArchitecture("OPT-13B");
  assert(architecture !== undefined, "OPT-13B is known");
  const parallel = { tensor: 1, pipeline: 1, data: 1, expert: 1, context: 1 };
  const precision = { weights: "f16", kv: "f16" } as const;
  const cost = iterationCostOf({ architecture, sheet, parallel, precision, operators: physicsModel(sheet) });
  const engine = { maxBatchedTokens: RULES.maxBatchedTokens, maxSequences: RULES.maxSequences, blockTokens: 16, memoryFraction: 0.9 };
  const budget = kvBudget({ architecture, sheet, parallel, precision, engine });
  assert(cost.ok && budget.ok, "OPT-13B fits an A100", { cost, budget });
  return { cost: cost.value, kvBlocks: budget.value.kvBlocks };
}

/** The largest rate at which enough requests meet the limits. Units: requests/s. */
function bestRate(met: (rate: number) => number): number {
  let low = 0;
  let high = RATE_MAX;
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    if (met(middle) >= SHARE) low = middle;
    else high = middle;
  }
  return low;
}

/** Share of requests within the limits on one GPU. */
function met1(engine: Engine, rate: number): number {
  const requests = arrivals(rate, OUTPUT);
  const run = serve(requests, [replica(engine)]);
  return shareMet(requests.count, (i) => ({
    ttftNs: run.firstTokenNs[i]! - requests.arrivalNs[i]!,
    tpotNs: (run.lastTokenNs[i]! - run.firstTokenNs[i]!) / (OUTPUT - 1),
  }));
}

/** The same on three. */
function met3(engine: Engine, rate: number): number {
  const requests = arrivals(rate, 1);
  const prefill = serve(requests, [replica(engine), replica(engine)]);
  const order = Array.from({ length: requests.count }, (_, i) => i).sort(
    (a, b) => prefill.firstTokenNs[a]! - prefill.firstTokenNs[b]! || a - b,
  );
  const sheet = deviceSheet("a100-sxm");
  const link = neededFigure(sheet, "scaleUp", sheet.scaleUp?.bandwidthBytesPerSecond).value;
  const transferNs = (PROMPT * KV_BYTES_A_TOKEN * NS_PER_S) / link;
  const handed: RequestColumns = {
    ...requests,
    arrivalNs: Float64Array.from(order, (i) => Math.round(prefill.firstTokenNs[i]! + transferNs)),
    outputTokens: new Int32Array(requests.count).fill(OUTPUT),
  };
  const decode = serve(handed, [replica({ ...engine, cost: withoutPrompts(engine.cost) })]);
  const place = new Int32Array(requests.count);
  order.forEach((i, position) => {
    place[i] = position;
  });
  return shareMet(requests.count, (i) => ({
    ttftNs: prefill.firstTokenNs[i]! - requests.arrivalNs[i]!,
    tpotNs: (decode.lastTokenNs[place[i]!]! - prefill.firstTokenNs[i]!) / (OUTPUT - 1),
  }));
}

function shareMet(count: number, of: (i: number) => { readonly ttftNs: number; readonly tpotNs: number }): number {
  let met = 0;
  for (let i = 0; i < count; i++) {
    const { ttftNs, tpotNs } = of(i);
    if (ttftNs >= 0 && ttftNs <= TTFT_NS && tpotNs <= TPOT_NS) met += 1;
  }
  return met / count;
}

function arrivals(rate: number, output: number): RequestColumns {
  const seconds = Math.ceil(REQUESTS / rate);
  return generateColumns(`poisson:rate=${rate.toFixed(6)},prompt=${PROMPT},output=${output},seconds=${seconds},seed=${SEED}`);
}

function serve(requests: RequestColumns, replicas: readonly ReplicaSettings[]): ServingOutcome {
  return runServing({ requests, replicas, routing: "least-loaded", seed: 1, stepping: "leap" });
}

function replica({ cost, kvBlocks }: Engine): ReplicaSettings {
  const { maxBatchedTokens, maxSequences } = RULES;
  const limits = { maxBatchedTokens, maxSequences, blockTokens: 16, kvBlocks, prefixCaching: false, chunkedPrefill: false };
  return { pool: 0, role: "both", cost, ...limits, overheadNs: 0, startUpNs: 0, rules: RULES };
}

/** Decoding alone: prompts come with their KV and the first token, so their iteration takes no time (1 ns, as iterations do not take none). */
function withoutPrompts(cost: IterationCost): IterationCost {
  const shape = emptyBatch();
  return {
    ...cost,
    iterationNs: ({ decodes, decodeContext, decodeContextMax }) => {
      if (decodes === 0) return 1;
      shape.decodes = decodes;
      shape.decodeContext = decodeContext;
      shape.decodeContextMax = decodeContextMax;
      return cost.iterationNs(shape);
    },
  };
}
