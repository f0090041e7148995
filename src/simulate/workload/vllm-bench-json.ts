import type { Prng } from "../../base/prng.ts";
import { seededPrng } from "../../base/prng.ts";
import { gammaDraw } from "../../base/statistics.ts";
import { NS_PER_S } from "../../base/units.ts";
import { shown, timeField, tokensField } from "./number-field.ts";
import { WORKLOAD_NS_MAX, WORKLOAD_ROWS_MAX, type Workload, type WorkloadRequest } from "./workload.ts";
import { workloadInvalid } from "./workload-error.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * Requests of a result file of `vllm bench serve --save-result --save-detailed`: `input_lens`, `output_lens`, `ttfts`, `itls` (s), `errors`.
 *
 * Arrivals: `start_times` where the file has them. Else a `max_concurrency` with an infinite `request_rate` is a closed loop of that many clients, and
 * a finite rate is drawn anew (gamma gaps with the file's `burstiness`), as the file does not say when requests were sent; `source` says which.
 * Failed requests are left out and counted. Errors: `workload-invalid` naming the field.
 * Source: vllm-project/vllm, vllm/benchmarks/serve.py: what `benchmark` returns and `main` adds.
 */
export function vllmBenchWorkload(fields: Fields): Workload {
  const prompts = list(fields, "input_lens");
  const outputs = list(fields, "output_lens", prompts.length);
  const ttfts = list(fields, "ttfts", prompts.length);
  const itls = list(fields, "itls", prompts.length);
  const errors = fields["errors"] === undefined ? [] : list(fields, "errors", prompts.length);
  const rows: { row: number; request: Omit<WorkloadRequest, "atNs"> }[] = [];
  for (let row = 0; row < prompts.length; row++) {
    const failed = (typeof errors[row] === "string" && errors[row] !== "") || outputs[row] === 0;
    if (failed) continue;
    const place = (field: string) => ({ line: 1, field: `${field}[${row}]` });
    const firstTokenNs = timeField(ttfts[row], place("ttfts"), NS_PER_S);
    const gaps = itls[row];
    if (!Array.isArray(gaps)) throw workloadInvalid(place("itls"), `is ${shown(gaps)}; a list of seconds is meant`);
    const endNs = gaps.reduce((sum: number, gap: unknown) => sum + timeField(gap, place("itls"), NS_PER_S), firstTokenNs) as number;
    if (endNs > WORKLOAD_NS_MAX) throw workloadInvalid(place("itls"), "lasts longer than 100 days");
    rows.push({
      row,
      request: {
        promptTokens: tokensField(prompts[row], place("input_lens")),
        outputTokens: tokensField(outputs[row], place("output_lens")),
        measured: { firstTokenNs, endNs },
      },
    });
  }
  const { requests, arrivals } = arrived(fields, rows, prompts.length);
  const failures = prompts.length - rows.length;
  return {
    source: `vLLM benchmark result, ${arrivals}`,
    clock: "client",
    ...(typeof fields["model_id"] === "string" && { model: fields["model_id"] }),
    ...(failures === 0 ? {} : { leftOut: [{ reason: "failed", rows: failures }] }),
    requests,
  };
}

/** Whether a JSON document is such a file. */
export function isVllmBench(fields: Fields): boolean {
  return "input_lens" in fields && "output_lens" in fields;
}

type Rows = readonly { readonly row: number; readonly request: Omit<WorkloadRequest, "atNs"> }[];

function arrived(fields: Fields, rows: Rows, count: number): { requests: WorkloadRequest[]; arrivals: string } {
  if (fields["start_times"] !== undefined) {
    const starts = list(fields, "start_times", count).map((value, row) => {
      if (typeof value === "number" && value >= 0 && value < 1e11) return value;
      throw workloadInvalid({ line: 1, field: `start_times[${row}]` }, `is ${shown(value)}; seconds are meant`);
    });
    const first = rows.reduce((least, { row }) => Math.min(least, starts[row]!), Infinity);
    const atNs = (row: number): number => Math.min(WORKLOAD_NS_MAX, Math.round((starts[row]! - first) * NS_PER_S));
    return { requests: rows.map(({ row, request }) => ({ ...request, atNs: atNs(row) })), arrivals: "arrivals as recorded" };
  }
  const rate = fields["request_rate"];
  if (rate === undefined || rate === null || rate === "inf" || rate === "Infinity") return closedLoop(fields, rows);
  if (typeof rate !== "number" || !(rate > 0))
    throw workloadInvalid({ line: 1, field: "request_rate" }, `is ${shown(rate)}; a rate or "inf" is meant`);
  const burstiness = fields["burstiness"] ?? 1;
  if (typeof burstiness !== "number" || !(burstiness > 0 && burstiness <= 1000)) {
    throw workloadInvalid({ line: 1, field: "burstiness" }, `is ${shown(burstiness)}; a number above 0 is meant`);
  }
  const prng: Prng = seededPrng(1);
  let time = 0;
  const requests = rows.map(({ request }) => {
    const atNs = Math.min(WORKLOAD_NS_MAX, Math.round(time));
    time += (gammaDraw(burstiness, prng) / burstiness / rate) * NS_PER_S;
    return { ...request, atNs };
  });
  return { requests, arrivals: `arrivals drawn anew at ${rate} a second, as the file does not hold them` };
}

function closedLoop(fields: Fields, rows: Rows): { requests: WorkloadRequest[]; arrivals: string } {
  const concurrency = fields["max_concurrency"];
  if (concurrency === undefined || concurrency === null) {
    return { requests: rows.map(({ request }) => ({ ...request, atNs: 0 })), arrivals: "all sent at once" };
  }
  const clients = tokensField(concurrency, { line: 1, field: "max_concurrency" });
  const requests: WorkloadRequest[] = [];
  for (const { request } of rows) {
    const before = requests[requests.length - clients];
    requests.push({ ...request, atNs: 0, ...(before === undefined ? {} : { after: { request: before, thinkNs: 0 } }) });
  }
  return { requests, arrivals: `${clients} requests in flight` };
}

function list(fields: Fields, field: string, length?: number): readonly unknown[] {
  const value = fields[field];
  const place = { line: 1, field };
  if (!Array.isArray(value)) {
    const detail = value === undefined ? "is missing; write the file with --save-detailed" : `is ${shown(value)}; a list is meant`;
    throw workloadInvalid(place, detail);
  }
  if (value.length > WORKLOAD_ROWS_MAX) throw workloadInvalid(place, `more than ${WORKLOAD_ROWS_MAX} rows`);
  if (length !== undefined && value.length !== length) throw workloadInvalid(place, `has ${value.length} entries, input_lens ${length}`);
  return value;
}
