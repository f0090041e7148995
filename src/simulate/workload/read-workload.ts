import { azureRequests, isAzureHeader } from "./azure-csv.ts";
import { heddleRequest } from "./heddle-jsonl.ts";
import { mooncakeRequest } from "./mooncake-jsonl.ts";
import { isPoisson, parsePoisson, poissonRequests } from "./poisson.ts";
import { jsonObject, textLines } from "./text-lines.ts";
import type { Workload, WorkloadRequest } from "./workload.ts";
import { workloadInvalid } from "./workload-error.ts";

/** Longest workload file read, in bytes. */
const WORKLOAD_BYTES_MAX = 268_435_456;

/**
 * Reads a workload file: heddle JSONL, Mooncake JSONL or Azure CSV, told apart by the first line.
 *
 * Errors: `workload-invalid` with line and field; never anything else, whatever the bytes.
 */
export function readWorkload(bytes: Uint8Array): Workload {
  if (bytes.byteLength > WORKLOAD_BYTES_MAX) throw workloadInvalid({}, `${bytes.byteLength} bytes, at most ${WORKLOAD_BYTES_MAX} are read`);
  const text = new TextDecoder().decode(bytes);
  const first = textLines(text).next();
  if (first.done === true) throw workloadInvalid({}, "holds no request");
  const { source, requests } = first.value.text.startsWith("{") ? fromJsonLines(text) : fromCsv(text, first.value.text);
  if (requests.length === 0) throw workloadInvalid({}, "holds no request");
  // A stable sort: rows of one instant keep their order.
  return { source, requests: requests.sort((a, b) => a.atNs - b.atNs) };
}

/** The workload of `poisson:…`. Errors: `workload-invalid` naming the field. */
export function generateWorkload(text: string): Workload {
  if (!isPoisson(text)) throw workloadInvalid({}, "generated workloads start with poisson:");
  const requests = poissonRequests(parsePoisson(text));
  if (requests.length === 0) throw workloadInvalid({ field: "seconds" }, "no request arrives within it; raise it or the rate");
  return { source: text, requests };
}

function fromJsonLines(text: string): { source: string; requests: WorkloadRequest[] } {
  const requests: WorkloadRequest[] = [];
  let mooncake = false;
  for (const row of textLines(text)) {
    if (requests.length === 0) mooncake = "input_length" in jsonObject(row);
    requests.push(mooncake ? mooncakeRequest(row) : heddleRequest(row));
  }
  return { source: mooncake ? "Mooncake JSONL" : "heddle JSONL", requests };
}

function fromCsv(text: string, header: string): { source: string; requests: WorkloadRequest[] } {
  if (!isAzureHeader(header)) {
    throw workloadInvalid(
      { line: 1 },
      "is neither a JSON object nor the header of an Azure trace (TIMESTAMP,ContextTokens,GeneratedTokens)",
    );
  }
  return { source: "Azure LLM CSV", requests: azureRequests(text) };
}
