import { aiperfWorkload, isAiperfRecord } from "./aiperf-jsonl.ts";
import { azureRequests, isAzureHeader } from "./azure-csv.ts";
import { bailianRequest } from "./bailian-jsonl.ts";
import { burstGptWorkload, isBurstGptHeader } from "./burst-gpt-csv.ts";
import { engineLogWorkload, isEngineLogRow } from "./engine-log-jsonl.ts";
import { heddleRequest } from "./heddle-jsonl.ts";
import { createMooncakeReader } from "./mooncake-jsonl.ts";
import { isOtlp, otlpWorkload } from "./otlp-json.ts";
import { isPoisson, parsePoisson, poissonRequests } from "./poisson.ts";
import { type CountTokens, isShareGpt, shareGptWorkload } from "./share-gpt-json.ts";
import { jsonObject, type TextLine, textLines } from "./text-lines.ts";
import { isVllmBench, vllmBenchWorkload } from "./vllm-bench-json.ts";
import type { Workload, WorkloadRequest } from "./workload.ts";
import { workloadInvalid } from "./workload-error.ts";

/** Longest workload file read, in bytes. */
const WORKLOAD_BYTES_MAX = 268_435_456;

export interface ReadWorkloadOptions {
  /** For files that hold texts. */
  readonly countTokens?: CountTokens;
}

/**
 * Reads a workload file; the first line tells the format: heddle, Mooncake, Qwen-Bailian or AIPerf JSONL, an engine's request log, Azure or BurstGPT
 * CSV; or a whole JSON document: vLLM's benchmark result, ShareGPT conversations, OpenTelemetry spans.
 *
 * Errors: `workload-invalid` with line and field; never anything else, whatever the bytes.
 */
export function readWorkload(bytes: Uint8Array, options: ReadWorkloadOptions = {}): Workload {
  if (bytes.byteLength > WORKLOAD_BYTES_MAX) throw workloadInvalid({}, `${bytes.byteLength} bytes, at most ${WORKLOAD_BYTES_MAX} are read`);
  const text = new TextDecoder().decode(bytes);
  const first = firstLine(text);
  if (first === undefined) throw workloadInvalid({}, "holds no request");
  const workload = workloadOf(text, first, options);
  if (workload.requests.length === 0) throw workloadInvalid({}, "holds no request");
  // A stable sort: rows of one instant keep their order.
  return { ...workload, requests: [...workload.requests].sort((a, b) => a.atNs - b.atNs) };
}

/** The workload of `poisson:…`. Errors: `workload-invalid` naming the field. */
export function generateWorkload(text: string): Workload {
  if (!isPoisson(text)) throw workloadInvalid({}, "generated workloads start with poisson:");
  const requests = poissonRequests(parsePoisson(text));
  if (requests.length === 0) throw workloadInvalid({ field: "seconds" }, "no request arrives within it; raise it or the rate");
  return { source: text, requests };
}

function workloadOf(text: string, first: TextLine, options: ReadWorkloadOptions): Workload {
  if (first.text.startsWith("[")) return fromJsonList(text, options);
  if (!first.text.startsWith("{")) return fromCsv(text, first.text);
  const row = firstObject(first);
  if (row === undefined) return fromJsonDocument(text);
  if (isVllmBench(row)) return vllmBenchWorkload(row);
  if (isOtlp(row)) return otlpWorkload([...textLines(text)].map(jsonObject));
  if (isAiperfRecord(row)) return aiperfWorkload(text);
  if (isEngineLogRow(row)) return engineLogWorkload(text);
  if (!("input_length" in row)) return fromRows(text, "heddle JSONL", heddleRequest);
  if ("chat_id" in row) return fromRows(text, "Qwen-Bailian JSONL", bailianRequest);
  return fromRows(text, "Mooncake JSONL", createMooncakeReader().request);
}

/** The first line with something on it, however long: whole documents stand on one line too. */
function firstLine(text: string): TextLine | undefined {
  const found = /[^\s\uFEFF][^\n]*/.exec(text);
  return found === null ? undefined : { line: text.slice(0, found.index).split("\n").length, text: found[0].trim() };
}

/** The object of a line, or undefined where the document goes on below it. */
function firstObject(first: TextLine): Readonly<Record<string, unknown>> | undefined {
  return first.text.endsWith("}") ? jsonObject(first) : undefined;
}

function fromRows(text: string, source: string, read: (row: TextLine) => WorkloadRequest): Workload {
  const requests: WorkloadRequest[] = [];
  for (const row of textLines(text)) requests.push(read(row));
  return { source, requests };
}

function fromJsonDocument(text: string): Workload {
  const document = jsonObject({ line: 1, text });
  if (isVllmBench(document)) return vllmBenchWorkload(document);
  if (isOtlp(document)) return otlpWorkload([document]);
  throw workloadInvalid(
    { line: 1 },
    "is neither a result of vllm bench serve (input_lens, output_lens) nor an OTLP export (resourceSpans)",
  );
}

function fromJsonList(text: string, { countTokens }: ReadWorkloadOptions): Workload {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw workloadInvalid({ line: 1 }, "is not JSON");
  }
  if (isShareGpt(value)) return shareGptWorkload(value, countTokens);
  throw workloadInvalid({ line: 1 }, "is neither a list of conversations as in ShareGPT nor one JSON object a line");
}

function fromCsv(text: string, header: string): Workload {
  if (isAzureHeader(header)) return { source: "Azure LLM CSV", requests: azureRequests(text) };
  if (isBurstGptHeader(header)) return burstGptWorkload(text);
  throw workloadInvalid(
    { line: 1 },
    "is neither JSON nor the header of an Azure trace (TIMESTAMP,ContextTokens,GeneratedTokens) or of BurstGPT (Timestamp,Request tokens,Response tokens)",
  );
}
