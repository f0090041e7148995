import { must } from "../../base/assert.ts";
import { NS_PER_MS, NS_PER_S } from "../../base/units.ts";
import { type Cut, ONE_DEVICE } from "../../cost/iteration/cut.ts";
import { encoderCostOf } from "../../cost/iteration/encoder/encoder-cost.ts";
import { withEncoder } from "../../cost/iteration/encoder/with-encoder.ts";
import { emptyBatch, type VisionShape } from "../../cost/iteration/iteration-cost.ts";
import { iterationCostOf } from "../../cost/iteration/iteration-cost-of.ts";
import { collectiveModel } from "../../cost/network/collectives/collective-model.ts";
import { sheetNetwork } from "../../cost/network/sheet-network.ts";
import { engineOperators } from "../../cost/operator/physics/physics-model.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import { imageWork } from "../../graph/architecture/image-rule.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { deploymentRuns } from "../deployment/deployment-ensemble.ts";
import { encodesElsewhere } from "../deployment/pool-encoder.ts";
import { type PricedPool, pricePool } from "../deployment/price-pool.ts";
import type { RunFigures } from "../deployment/run-figures.ts";
import type { RequestColumns } from "../serving/serving-input.ts";
import { withImageTokens } from "../workload/columns/image-columns.ts";
import { generateColumns } from "../workload/generate/generate-columns.ts";
import { type ComputedClaim, judgeClaim } from "./compute-claims.ts";
import { EPD_CLAIMS } from "./epd-claims.ts";

/** The published figures of models that read images with heddle's own. Nothing is fitted to them. */
export function computeEpdClaims(): readonly ComputedClaim[] {
  const computed: Readonly<Record<string, () => number>> = {
    "epd-qwen3-vl-image-tokens": () => imageOf("Qwen3-VL-4B", 640, 640).tokens,
    "epd-qwen25-vl-image-tokens": () => imageOf("Qwen2.5-VL-7B", 1920, 1080).tokens,
    "epd-encode-and-prefill": encodeAndPrefillMs,
    "epd-encoder-tensor-2-over-4": () => encoderNs(2) / encoderNs(4),
    "epd-encoder-tensor-8-over-4": () => encoderNs(8) / encoderNs(4),
    "epd-goodput-short-1-image": () => goodputGain(400, 1),
    "epd-goodput-short-4-images": () => goodputGain(400, 4),
    "epd-goodput-long-1-image": () => goodputGain(2000, 1),
    "epd-goodput-long-4-images": () => goodputGain(2000, 4),
    "epd-ttft-two-encoders": ttftOverTwoEncoders,
  };
  return EPD_CLAIMS.map((claim) => judgeClaim(claim, must(computed[claim.id], "a claim has a computation")()));
}

function architectureOf(model: string): SequenceModel {
  return must(knownArchitecture(model), model);
}

function imageOf(model: string, width: number, height: number) {
  return imageWork(must(architectureOf(model).images, "the model reads images"), width, height);
}

function imagesOf(model: string, count: number, width: number, height: number): VisionShape {
  const { patches, tokens } = imageOf(model, width, height);
  return { images: count, patches: count * patches, patchSquares: count * patches * patches, tokens: count * tokens };
}

/** Tokens of the traced prompt, its image's included. */
const TRACED_TOKENS = 2718;

function encodeAndPrefillMs(): number {
  const sheet = deviceSheet("h100-sxm");
  const architecture = architectureOf("Qwen2.5-VL-7B");
  const common = { architecture, sheet, parallel: ONE_DEVICE, operators: engineOperators(sheet, "vllm"), engine: "vllm" } as const;
  const text = iterationCostOf({ ...common, precision: { weights: "bf16", kv: "bf16" } });
  const encoder = encoderCostOf({ ...common, encoderParallel: "weights" });
  if (!text.ok || !encoder.ok) return Number.NaN;
  const prompt = { prefills: 1, prefillTokens: TRACED_TOKENS, prefillSquares: TRACED_TOKENS * TRACED_TOKENS };
  const vision = imagesOf("Qwen2.5-VL-7B", 1, 1920, 1080);
  return withEncoder(text.value, encoder.value).iterationNs({ ...emptyBatch(), ...prompt, vision }) / NS_PER_MS;
}

function encoderNs(tensor: number): number {
  const sheet = deviceSheet("h20");
  const parallel: Cut = { ...ONE_DEVICE, tensor };
  const network = must(sheetNetwork(sheet, "sglang"), "the device has links");
  const made = encoderCostOf({
    architecture: architectureOf("Qwen2.5-VL-72B"),
    sheet,
    parallel,
    operators: engineOperators(sheet, "sglang"),
    network: collectiveModel(network),
    engine: "sglang",
    encoderParallel: "weights",
  });
  return made.ok ? made.value.encodeNs(imagesOf("Qwen2.5-VL-72B", 4, 1200, 1200)) : Number.NaN;
}

/** As published: the limits of goodput at p99, 150 tokens out, images of 640 x 640. `vllm bench serve` sends 1,000 requests unless told. */
const TTFT_NS = 20 * NS_PER_S;
const TPOT_NS = 100 * NS_PER_MS;
const REQUESTS = 1000;
/** Rates that were tried, and halvings of the search between them: goodput is then known to 1.3 requests/s. */
const RATES = [4, 24] as const;
const HALVINGS = 4;

const DATA_PARALLEL = `version: 1
model: Qwen3-VL-4B
routing: least-loaded
pools: [{ name: pd, device: a100-sxm, replicas: 4, encoder: {} }]`;
/** What encoders made goes between cards of a machine: at PCIe 4's rate, of which nothing depends. */
const ONE_ENCODER = `version: 1
model: Qwen3-VL-4B
routing: round-robin
kvTransfer: { bandwidthBytesPerSecond: 2.5e+10, latencyNs: 100000 }
pools: [{ name: e, role: encode, device: a100-sxm }, { name: pd, device: a100-sxm, replicas: 3 }]`;

function goodputGain(text: number, images: number): number {
  return bestRate(ONE_ENCODER, text, images) / bestRate(DATA_PARALLEL, text, images);
}

function bestRate(deployment: string, text: number, images: number): number {
  const run = fleetOf(deployment);
  const keeps = (rate: number): boolean => {
    const seconds = (REQUESTS / rate).toFixed(6);
    const { ttft, tpot } = run(`poisson:rate=${rate},prompt=${text},output=150,seconds=${seconds},images=${images},sizes=640x640`);
    return ttft.p99 <= TTFT_NS && tpot.p99 <= TPOT_NS;
  };
  let [low, high]: [number, number] = [...RATES];
  if (keeps(high)) return high;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (keeps(middle)) low = middle;
    else high = middle;
  }
  return low;
}

const COLOCATED = `version: 1
model: Qwen3-VL-235B-A22B
pools:
  - { name: pd, device: h20, engine: { name: sglang }, parallel: { tensor: 4 }, precision: { weights: f8e4m3 }, encoder: {} }`;
const TWO_ENCODERS = `version: 1
model: Qwen3-VL-235B-A22B
kvTransfer: { bandwidthBytesPerSecond: 2.5e+10, latencyNs: 100000 }
pools:
  - { name: e, role: encode, device: h20, replicas: 2, engine: { name: sglang } }
  - { name: pd, device: h20, engine: { name: sglang }, parallel: { tensor: 4 }, precision: { weights: f8e4m3 } }`;
/** Draws of 64 requests over which TTFT is taken: one says little. */
const DRAWS = 2;

function ttftOverTwoEncoders(): number {
  const ttftNs = (deployment: string): number => {
    const run = fleetOf(deployment);
    let sum = 0;
    for (let seed = 1; seed <= DRAWS; seed++)
      sum += run(`poisson:rate=1,prompt=128,output=256,seconds=64,images=1-8,sizes=1920x1080,seed=${seed}`).ttft.mean;
    return sum / DRAWS;
  };
  return ttftNs(COLOCATED) / ttftNs(TWO_ENCODERS);
}

/** Runs of a deployment on generated workloads, at prices as they are; times at the engine. */
function fleetOf(text: string): (workload: string) => RunFigures {
  const { deployment } = readDeployment(text);
  const architecture = architectureOf(deployment.model);
  const pools = deployment.pools.map((pool, i): PricedPool => {
    const priced = pricePool(pool, i, { architecture, sheet: deviceSheet(pool.device), imagesApart: encodesElsewhere(pool, deployment) });
    return must(priced.ok ? priced.value : undefined, "a published deployment has a price");
  });
  return (workload) => {
    const requests: RequestColumns = withImageTokens(generateColumns(workload), architecture);
    const [first] = deploymentRuns({ deployment, architecture, pools, requests }, { runs: 1, seed: 1 });
    return must(first, "a run").figures;
  };
}
