import { HeddleError } from "../../base/heddle-error.ts";
import { readCsvColumns } from "../../cost/import/csv/numeric-csv.ts";
import type { RequestColumns } from "../serving/serving-input.ts";

/** A run of a real engine as LLMServingSim's bench records it: what came in, when tokens came out, and gauges by time. */
export interface RecordedServing {
  readonly requests: RequestColumns;
  /** Columns by request, engine clock. Units: ns. */
  readonly queuedNs: Float64Array;
  readonly firstTokenNs: Float64Array;
  readonly lastTokenNs: Float64Array;
  readonly gauges: readonly RecordedGauge[];
  readonly engine: {
    readonly version: string;
    readonly model: string;
    readonly device: string;
    readonly kvBlocks: number;
    readonly blockTokens: number;
    readonly maxSequences: number;
    readonly maxBatchedTokens: number;
    readonly prefixCaching: boolean;
    readonly chunkedPrefill: boolean;
    readonly graphSizes: readonly number[];
  };
}

export interface RecordedGauge {
  /** Since the run began. Units: ns. */
  readonly atNs: number;
  readonly running: number;
  readonly waiting: number;
  /** Ratio. */
  readonly kvUsed: number;
}

/** Texts of the files: `workloads/*.csv`, `requests.jsonl`, `timeseries.csv`, `meta.json`. */
export interface RecordedServingTexts {
  readonly workload: string;
  readonly requests: string;
  readonly timeseries: string;
  readonly meta: string;
}

const NS_PER_S = 1e9;
const PERCENT = 100;
const BLOCK_TOKENS = 16;

/** Errors: `measurements-invalid` with the file it is about. Source: format of casys-kaist/LLMServingSim@5daddb2 `bench/`. */
export function readRecordedServing(texts: RecordedServingTexts): RecordedServing {
  const requests = readWorkload(texts.workload);
  const lines = texts.requests.split("\n").filter((line) => line.trim() !== "");
  if (lines.length !== requests.count) throw bad("requests.jsonl", `${lines.length} requests, ${requests.count} in the workload`);
  const rows = lines.map((line, i) => numbersOf(line, `requests.jsonl, line ${i + 1}`));
  const column = (name: string): Float64Array => Float64Array.from(rows, (row) => numberOf(row, name, "requests.jsonl") * NS_PER_S);
  const first = rows[0] === undefined ? 0 : Math.min(...column("queued_ts"));
  const since = (name: string): Float64Array => column(name).map((ns) => ns - first + requests.arrivalNs[0]!);
  return {
    requests,
    queuedNs: since("queued_ts"),
    firstTokenNs: since("first_token_ts"),
    lastTokenNs: since("last_token_ts"),
    gauges: readGauges(texts.timeseries),
    engine: readMeta(texts.meta),
  };
}

function readWorkload(text: string): RequestColumns {
  const names = ["arrival_ns", "input_tokens", "output_tokens"] as const;
  const { count, numbers, texts } = readCsvColumns(text, { file: "workload", numbers: [...names], texts: ["shared_blocks"] });
  const blockStart = new Int32Array(count + 1);
  const blockIds: number[] = [];
  for (let i = 0; i < count; i++) {
    for (const id of texts.shared_blocks[i]!.split(" ")) if (id !== "") blockIds.push(Number(id));
    blockStart[i + 1] = blockIds.length;
  }
  return {
    count,
    arrivalNs: numbers.arrival_ns,
    promptTokens: Int32Array.from(numbers.input_tokens),
    outputTokens: Int32Array.from(numbers.output_tokens),
    blockStart,
    blockIds: Int32Array.from(blockIds),
    blockTokens: BLOCK_TOKENS,
  };
}

function readGauges(text: string): RecordedGauge[] {
  const names = ["t", "running", "waiting", "kv_cache_pct"] as const;
  const { count, numbers } = readCsvColumns(text, { file: "timeseries.csv", numbers: [...names], texts: [] });
  return Array.from({ length: count }, (_, i) => ({
    atNs: numbers.t[i]! * NS_PER_S,
    running: numbers.running[i]!,
    waiting: numbers.waiting[i]!,
    kvUsed: numbers.kv_cache_pct[i]! / PERCENT,
  }));
}

type Json = Readonly<Record<string, unknown>>;

function readMeta(text: string): RecordedServing["engine"] {
  const meta = numbersOf(text, "meta.json");
  const kv = part(meta, "kv_cache");
  const resolved = part(meta, "resolved_config");
  const scheduler = part(resolved, "scheduler_config");
  const sizes = part(resolved, "compilation_config")["cudagraph_capture_sizes"];
  return {
    version: `vllm ${String(meta["vllm_version"])}`,
    model: String(meta["model"]),
    device: String(part(meta, "hardware")["device_name"]),
    kvBlocks: numberOf(kv, "num_gpu_blocks", "meta.json"),
    blockTokens: numberOf(kv, "block_size", "meta.json"),
    maxSequences: numberOf(scheduler, "max_num_seqs", "meta.json"),
    maxBatchedTokens: numberOf(scheduler, "max_num_batched_tokens", "meta.json"),
    prefixCaching: kv["enable_prefix_caching"] === true,
    chunkedPrefill: scheduler["enable_chunked_prefill"] === true,
    graphSizes: Array.isArray(sizes) ? sizes.filter((size): size is number => typeof size === "number") : [],
  };
}

function part(json: Json, name: string): Json {
  const value = json[name];
  if (typeof value !== "object" || value === null) throw bad("meta.json", `${name} is missing`);
  return value as Json;
}

function numberOf(json: Json, name: string, file: string): number {
  const value = json[name];
  if (typeof value !== "number" || !Number.isFinite(value)) throw bad(file, `${name} is no number`);
  return value;
}

function numbersOf(text: string, where: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new HeddleError("measurements-invalid", { where, detail: "not JSON", cause });
  }
}

function bad(where: string, detail: string): HeddleError {
  return new HeddleError("measurements-invalid", { where, detail });
}
