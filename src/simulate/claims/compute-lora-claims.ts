import { must } from "../../base/assert.ts";
import { quantile } from "../../base/statistics.ts";
import { decoderBlocks } from "../../cost/iteration/decoder-blocks.ts";
import { emptyBatch } from "../../cost/iteration/iteration-cost.ts";
import { adapterParameters } from "../../cost/iteration/lora/lora-bytes.ts";
import { type AdaptedModule, adaptedProducts } from "../../cost/iteration/lora/lora-products.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { servingInputOf } from "../deployment/deployment-run.ts";
import { type PricedPool, pricePool } from "../deployment/price-pool.ts";
import { runServing } from "../serving/run-serving.ts";
import { generateColumns } from "../workload/generate/generate-columns.ts";
import { type ComputedClaim, judgeClaim } from "./compute-claims.ts";
import { LORA_CLAIMS } from "./lora-claims.ts";

const ALL: readonly AdaptedModule[] = ["q", "k", "v", "o", "gate", "up", "down"];
const SEEDS = 5;

const FIGURES: Readonly<Record<string, () => number>> = {
  "lora-llama3-parameters": () => parameters("Llama-3.1-8B", ALL, 16),
  "lora-llama2-parameters": () => parameters("Llama-2-7B", ["q", "v"], 8),
  "punica-added-latency": () => (stepNs(16, 32, { sequences: 32, context: 512 }) - stepNs(16, 0, { sequences: 32, context: 512 })) / 1e6,
  "vllm-four-adapters": () => stepNs(8, 4, { sequences: 256, context: 400 }) / stepNs(8, 1, { sequences: 256, context: 400 }),
  "sglang-slots-enough": () => switchingTtftMs(8, true),
  "sglang-slots-short": () => switchingTtftMs(16, true),
};

/** The published figures of adapters with heddle's own; nothing is fitted to them. */
export function computeLoraClaims(): readonly ComputedClaim[] {
  return LORA_CLAIMS.map((claim) => judgeClaim(claim, must(FIGURES[claim.id], "a claim has a computation")()));
}

function parameters(model: string, modules: readonly AdaptedModule[], rank: number): number {
  const blocks = decoderBlocks(must(knownArchitecture(model), "a known model"));
  if (!blocks.ok) return NaN;
  const products = adaptedProducts(blocks.value, modules);
  return products.ok ? adapterParameters(products.value, rank) : NaN;
}

/** A decode step of Llama-2-7B on an A100, with so many adapters of a rank in it. */
function stepNs(rank: number, adapters: number, { sequences, context }: { readonly sequences: number; readonly context: number }): number {
  const { cost } = priced(`version: 1
model: Llama-2-7B
pools:
  - { name: a, device: a100-sxm-80gb, lora: { maxLoras: 32, maxRank: ${rank} } }
`);
  const tokens = adapters === 0 ? 0 : sequences;
  const lora = { adapters, ranks: adapters * rank, tokens, rankTokens: tokens * rank };
  const shape = { ...emptyBatch(), decodes: sequences, decodeContext: sequences * context, decodeContextMax: context, lora };
  return cost.iterationNs(shape);
}

/**
 * Median TTFT of SGLang with 8 slots, mean over seeds.
 *
 * Why `passes`: SGLang let the first request without a slot hold up those behind it (`batch_is_full` and `break` in `get_new_batch_prefill`), and passes
 * it over since; which of the two the published run had is not said.
 */
export function switchingTtftMs(adapters: number, passes: boolean): number {
  const text = `version: 1
model: Llama-3.1-8B
pools:
  - name: a
    device: h100-sxm
    parallel: { tensor: 2 }
    engine: { name: sglang, maxBatchedTokens: 8192, maxSequences: 256 }
    lora: { maxLoras: 8, maxRank: 16 }
`;
  const plain = priced(text);
  const pool = { ...plain, settings: { ...plain.settings, adapters: { ...must(plain.settings.adapters, "the pool has slots"), passes } } };
  const { deployment } = readDeployment(text);
  const architecture = must(knownArchitecture(deployment.model), "a known model");
  let sum = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const requests = generateColumns(`poisson:rate=4,prompt=1-4096,output=1-2048,seconds=25,adapters=${adapters},seed=${seed}`);
    const outcome = runServing(servingInputOf({ deployment, architecture, pools: [pool], requests }, { seed }));
    sum +=
      quantile(
        outcome.firstTokenNs.map((first, i) => first - outcome.queuedNs[i]!),
        0.5,
      ) / SEEDS;
  }
  return sum / 1e6;
}

function priced(text: string): PricedPool {
  const { deployment } = readDeployment(text);
  const pool = deployment.pools[0]!;
  const architecture = must(knownArchitecture(deployment.model), "a known model");
  const answer = pricePool(pool, 0, { architecture, sheet: deviceSheet(pool.device) });
  return must(answer.ok ? answer.value : undefined, "the pool of a claim has prices");
}
