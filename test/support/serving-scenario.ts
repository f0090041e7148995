import { mix32 } from "../../src/base/prng.ts";
import { knownArchitecture } from "../../src/graph/architecture/known/known-architecture.ts";
import { readDeployment } from "../../src/plan/deployment/deployment-file.ts";
import { deviceSheet } from "../../src/rack/catalog/catalog.ts";
import { deploymentFigures, deploymentRuns } from "../../src/simulate/deployment/deployment-ensemble.ts";
import { pricePool } from "../../src/simulate/deployment/price-pool.ts";
import type { ServingOutcome } from "../../src/simulate/serving/serving-input.ts";
import { generateColumns } from "../../src/simulate/workload/generate/generate-columns.ts";

/** Cases that between them use every kind of arrival and length, prefixes, closed loops, several routers and devices, tables and preemption. */
const CASES: readonly { readonly deployment: string; readonly workload: string }[] = [
  {
    deployment: "version: 1\nmodel: Llama-3.1-8B\npools:\n  - { device: l40s, replicas: 3 }\nrouting: least-loaded\n",
    workload: "gamma:rate=12,cv=2.5,prompt=lognormal:900:1.1,output=lognormal:150:0.9,seconds=30,seed=5,prefix=6x512",
  },
  {
    deployment:
      "version: 1\nmodel: Qwen3-30B-A3B\npools:\n  - { device: h100-sxm, replicas: 2, parallel: { tensor: 2, expert: 2 }, engine: { kvBlocks: 420 } }\nrouting: prefix-aware\n",
    workload: "agents:rate=1.5,turns=3-9,tool=2,prompt=100-900,output=30-200,seconds=25,seed=9,system=2x640",
  },
  {
    deployment: "version: 1\nmodel: Llama-3.1-70B\npools:\n  - { device: mi300x, parallel: { tensor: 2 } }\n",
    workload: "closed:clients=24,requests=120,prompt=200-3000,output=20-300,think=0.5,seed=3",
  },
  {
    deployment: "version: 1\nmodel: Llama-3.2-3B\npools:\n  - { device: tpu-v5e, replicas: 2 }\nrouting: random\n",
    workload: "diurnal:rate=8,peak=1.9,period=20,prompt=50-600,output=20-120,seconds=40,seed=7",
  },
];

/** Everything that the cases give, as text: hashes of every column bit by bit, and the figures with all their digits. */
export function servingScenario(seedShift = 0): string {
  return JSON.stringify(
    CASES.map(({ deployment: text, workload }) => {
      const { deployment } = readDeployment(text);
      const architecture = knownArchitecture(deployment.model)!;
      const requests = generateColumns(workload.replace(/seed=(\d+)/, (_all, seed: string) => `seed=${Number(seed) + seedShift}`));
      const pools = deployment.pools.map((pool, i) => {
        const priced = pricePool(pool, i, { architecture, sheet: deviceSheet(pool.device) });
        return priced.ok ? priced.value : undefined;
      });
      if (pools.includes(undefined)) return { workload, priced: false };
      const runs = [
        ...deploymentRuns(
          { deployment, architecture, pools: pools as never, requests },
          { runs: 3, seed: 2, objective: { ttftNs: 1e9, share: 0.9 } },
        ),
      ];
      return {
        workload: [requests.count, bits(requests.arrivalNs), bits(requests.promptTokens), bits(requests.blockIds)],
        runs: runs.map(({ outcome }) => outcomeBits(outcome)),
        preemptions: runs[0]!.outcome.preemptions,
        figures: deploymentFigures(runs.map(({ figures }) => figures)),
      };
    }),
  );
}

function outcomeBits(outcome: ServingOutcome): readonly (string | number)[] {
  const { firstTokenNs, lastTokenNs, scheduledNs, queuedNs, cachedTokens, replica, busyNs, decisions } = outcome;
  const columns = [firstTokenNs, lastTokenNs, scheduledNs, queuedNs, cachedTokens, replica, busyNs, decisions];
  return [outcome.hash, outcome.iterations, ...columns.map(bits)];
}

function bits(column: Float64Array | Int32Array | Uint8Array): number {
  const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
  let hash = bytes.length;
  for (const byte of bytes) hash = mix32(hash ^ byte);
  return hash;
}
