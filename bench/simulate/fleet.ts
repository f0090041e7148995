import { existsSync, readFileSync } from "node:fs";
import { readLayerTables } from "../../src/cost/import/llmservingsim/read-layer-tables.ts";
import type { IterationCost } from "../../src/cost/iteration/iteration-cost.ts";
import { layerTableCost } from "../../src/cost/iteration/layer-tables/layer-table-cost.ts";
import type { ReplicaSettings, RequestColumns, ServingInput } from "../../src/simulate/serving/serving-input.ts";

const TABLES = "../shared/data/llmservingsim-bench/profiler/perf/RTXPRO6000/meta-llama/Llama-3.1-8B/bf16/tp1";
const LAYERS = 32;

/** Iterations of Llama-3.1-8B on an RTX PRO 6000 from measured tables, or affine ones of like size where the folder is not there. */
export function fleetCost(): { readonly cost: IterationCost; readonly source: string } {
  if (!existsSync(TABLES)) return { cost: affine, source: `affine iterations, because ${TABLES} is not there` };
  const text = (name: string): string => readFileSync(`${TABLES}/${name}.csv`, "utf8");
  const tables = readLayerTables(
    { dense: text("dense"), perSequence: text("per_sequence"), attention: text("attention"), skew: text("skew") },
    TABLES,
  );
  const source = "layer tables of Llama-3.1-8B on RTX PRO 6000 (four-dimensional attention)";
  return { cost: layerTableCost(tables, { layers: LAYERS, source }), source };
}

const affine: IterationCost = {
  iterationNs: (shape) =>
    Math.round(
      1e7 +
        6e4 * shape.prefillTokens +
        4 * (shape.prefillContext + shape.prefillSquares / 2) +
        4e4 * shape.decodes +
        60 * shape.decodeContext,
    ),
  spread: 0,
  basis: "data-sheet",
  source: "affine",
};

/** Requests on equal replicas with prefix caching and priced routing. */
export function fleetInput(requests: RequestColumns, replicas: number, cost: IterationCost): ServingInput {
  const replica: ReplicaSettings = {
    pool: 0,
    role: "both",
    cost,
    maxBatchedTokens: 8192,
    maxSequences: 256,
    blockTokens: 16,
    kvBlocks: 30_000,
    prefixCaching: true,
    chunkedPrefill: true,
    overheadNs: 0,
    startUpNs: 0,
  };
  return { requests, replicas: new Array<ReplicaSettings>(replicas).fill(replica), routing: "priced", seed: 1, stepping: "leap" };
}
