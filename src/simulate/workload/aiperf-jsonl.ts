import { NS_PER_MS } from "../../base/units.ts";
import { shown, timeField, tokensField } from "./number-field.ts";
import { jsonObject, textLines } from "./text-lines.ts";
import { WORKLOAD_NS_MAX, type Workload, type WorkloadRequest } from "./workload.ts";
import { workloadInvalid } from "./workload-error.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Units that AIPerf writes times in. */
const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1000, ms: NS_PER_MS, sec: 1e9, s: 1e9 };

/**
 * Requests of AIPerf's `profile_export.jsonl`: one record a request with `metadata.request_start_ns` and `metrics` (`input_sequence_length`,
 * `output_sequence_length`, `time_to_first_token`, `request_latency`). Failed, cancelled and warm-up records are left out and counted.
 *
 * Errors: `workload-invalid` with line and field.
 * Source: ai-dynamo/aiperf, docs/tutorials/working-with-profile-exports.md.
 */
export function aiperfWorkload(text: string): Workload {
  const requests: WorkloadRequest[] = [];
  const leftOut = new Map<string, number>();
  let first = Infinity;
  for (const row of textLines(text)) {
    const { line } = row;
    const fields = jsonObject(row);
    const metadata = objectOf(fields["metadata"], { line, field: "metadata" });
    const reason = unusable(fields, metadata);
    if (reason !== undefined) {
      leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1);
      continue;
    }
    const metrics = objectOf(fields["metrics"], { line, field: "metrics" });
    const startNs = instant(metadata["request_start_ns"], line);
    first = Math.min(first, startNs);
    const firstTokenNs = timeMetric(metrics, "time_to_first_token", line);
    const endNs = timeMetric(metrics, "request_latency", line);
    requests.push({
      atNs: startNs,
      promptTokens: tokensField(metric(metrics, "input_sequence_length", line).value, { line, field: "input_sequence_length" }),
      outputTokens: tokensField(metric(metrics, "output_sequence_length", line).value, { line, field: "output_sequence_length" }),
      ...(firstTokenNs === undefined || endNs === undefined || endNs < firstTokenNs ? {} : { measured: { firstTokenNs, endNs } }),
    });
  }
  return {
    source: "AIPerf records",
    clock: "client",
    ...(leftOut.size === 0 ? {} : { leftOut: [...leftOut].map(([why, rows]) => ({ reason: why, rows })) }),
    requests: requests.map((request) => {
      const atNs = request.atNs - first;
      if (atNs > WORKLOAD_NS_MAX) throw workloadInvalid({ field: "request_start_ns" }, "the rows span more than 100 days");
      return { ...request, atNs };
    }),
  };
}

/** Whether the first row of a JSONL file is such a record. */
export function isAiperfRecord(fields: Fields): boolean {
  const metadata = fields["metadata"];
  return typeof metadata === "object" && metadata !== null && "request_start_ns" in metadata;
}

function unusable(fields: Fields, metadata: Fields): string | undefined {
  const phase = metadata["benchmark_phase"];
  if (typeof phase === "string" && phase !== "profiling") return `of the phase ${phase.slice(0, 40)}`;
  if (metadata["was_cancelled"] === true) return "cancelled";
  if (fields["error"] !== undefined && fields["error"] !== null) return "failed";
  return undefined;
}

/** Epoch time in ns, of which a double keeps steps of 256 ns: enough for arrivals. */
function instant(value: unknown, line: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 4e18) return value;
  throw workloadInvalid({ line, field: "request_start_ns" }, `is ${shown(value)}; whole nanoseconds are meant`);
}

function metric(metrics: Fields, field: string, line: number): { readonly value: unknown; readonly unit: unknown } {
  const found = objectOf(metrics[field], { line, field });
  return { value: found["value"], unit: found["unit"] };
}

function timeMetric(metrics: Fields, field: string, line: number): number | undefined {
  if (metrics[field] === undefined || metrics[field] === null) return undefined;
  const { value, unit } = metric(metrics, field, line);
  const scale = typeof unit === "string" && Object.hasOwn(UNITS, unit) ? UNITS[unit]! : undefined;
  if (scale === undefined)
    throw workloadInvalid({ line, field }, `its unit is ${shown(unit)}; one of ${Object.keys(UNITS).join(", ")} is meant`);
  return timeField(value, { line, field }, scale);
}

function objectOf(value: unknown, place: { line: number; field: string }): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw workloadInvalid(place, value === undefined ? "is missing" : "a JSON object is meant");
}
