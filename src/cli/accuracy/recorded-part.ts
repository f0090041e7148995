import { readLayerTables } from "../../cost/import/llmservingsim/read-layer-tables.ts";
import { recordedRunAccuracy } from "../../simulate/accuracy/recorded-run.ts";
import { readRecordedServing } from "../../simulate/accuracy/recorded-serving.ts";
import type { AccuracyPart } from "./accuracy-part.ts";
import type { DataFolder } from "./data-folder.ts";

const FOLDER = "llmservingsim-bench";
const RUN = `${FOLDER}/bench/examples/RTX4090/Llama-3.1-8B`;
const TABLES = `${FOLDER}/profiler/perf/RTX4090/meta-llama/Llama-3.1-8B/bf16/tp1`;
const LAYERS = 32;

/** A recorded run of an engine from tables of its device's layers. */
export const RECORDED_RUN: AccuracyPart = {
  id: "recorded-run",
  title: "A recorded run of vLLM, request by request, from tables of the device's layers and the engine's settings",
  needs: FOLDER,
  beside: ["llmservingsim-own", "llmservingsim-third", "blis-unfitted"],
  rows: (data) => {
    const table = (name: string): string => data.text(`${TABLES}/${name}.csv`);
    const tables = readLayerTables(
      { dense: table("dense"), perSequence: table("per_sequence"), attention: table("attention"), skew: table("skew") },
      TABLES,
    );
    const published = data.text(`${RUN}/validation/summary.txt`);
    return recordedRunAccuracy(recorded4090(data), tables, { layers: LAYERS, dataSet: FOLDER, published });
  },
};

/** The public run of vLLM 0.19 on an RTX 4090. */
export function recorded4090(data: DataFolder) {
  return readRecordedServing({
    workload: data.text(`${FOLDER}/workloads/sharegpt-llama-3.1-8b-300-sps10.csv`),
    requests: data.text(`${RUN}/vllm/requests.jsonl`),
    timeseries: data.text(`${RUN}/vllm/timeseries.csv`),
    meta: data.text(`${RUN}/vllm/meta.json`),
  });
}
