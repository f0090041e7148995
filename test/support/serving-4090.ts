import { existsSync, readFileSync } from "node:fs";
import type { LayerTables } from "../../src/cost/import/llmservingsim/layer-tables.ts";
import { readLayerTables } from "../../src/cost/import/llmservingsim/read-layer-tables.ts";
import { type RecordedServing, readRecordedServing } from "../../src/simulate/accuracy/recorded-serving.ts";

const FOLDER = "../shared/data/llmservingsim-bench";
const RUN = "bench/examples/RTX4090/Llama-3.1-8B";
const TABLES = "profiler/perf/RTX4090/meta-llama/Llama-3.1-8B/bf16/tp1";

/** The public run of vLLM 0.19 on an RTX 4090, its layer tables and LLMServingSim's own prediction; `undefined` where the folder is not there. */
export function serving4090(): { recorded: RecordedServing; tables: LayerTables; published: string } | undefined {
  if (!existsSync(FOLDER)) return undefined;
  const text = (path: string): string => readFileSync(`${FOLDER}/${path}`, "utf8");
  const table = (name: string): string => text(`${TABLES}/${name}.csv`);
  return {
    recorded: readRecordedServing({
      workload: text("workloads/sharegpt-llama-3.1-8b-300-sps10.csv"),
      requests: text(`${RUN}/vllm/requests.jsonl`),
      timeseries: text(`${RUN}/vllm/timeseries.csv`),
      meta: text(`${RUN}/vllm/meta.json`),
    }),
    tables: readLayerTables(
      { dense: table("dense"), perSequence: table("per_sequence"), attention: table("attention"), skew: table("skew") },
      TABLES,
    ),
    published: text(`${RUN}/validation/summary.txt`),
  };
}
