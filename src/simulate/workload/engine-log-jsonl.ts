import { NS_PER_S } from "../../base/units.ts";
import { shown, tokensField } from "./number-field.ts";
import { jsonObject, textLines } from "./text-lines.ts";
import { type NamedAdapter, WORKLOAD_NS_MAX, type Workload, type WorkloadRequest } from "./workload.ts";
import { workloadInvalid } from "./workload-error.ts";

const FIELDS = ["input_toks", "output_toks", "queued_ts", "first_token_ts", "last_token_ts"] as const;

/**
 * A request log of an engine's own clock: `input_toks`, `output_toks`, and `queued_ts`, `first_token_ts`, `last_token_ts` in seconds; `lora_name` (null or absent: none).
 * Times count from the first request.
 *
 * Errors: `workload-invalid` with line and field.
 * Source: casys-kaist/LLMServingSim@5daddb2, bench/examples: what its vLLM runner writes from vLLM's request metrics.
 */
export function engineLogWorkload(text: string): Workload {
  const rows: { queued: number; first: number; last: number; promptTokens: number; outputTokens: number; adapter?: NamedAdapter }[] = [];
  let start = Infinity;
  for (const row of textLines(text)) {
    const { line } = row;
    const fields = jsonObject(row);
    const promptTokens = tokensField(fields[FIELDS[0]], { line, field: FIELDS[0] });
    const outputTokens = tokensField(fields[FIELDS[1]], { line, field: FIELDS[1] });
    const [queued, first, last] = FIELDS.slice(2).map((field) => seconds(fields[field], { line, field })) as [number, number, number];
    if (first < queued) throw workloadInvalid({ line, field: FIELDS[3] }, "is before queued_ts");
    if (last < first) throw workloadInvalid({ line, field: FIELDS[4] }, "is before first_token_ts");
    start = Math.min(start, queued);
    const name = fields["lora_name"] ?? undefined;
    if (name !== undefined && (typeof name !== "string" || name === ""))
      throw workloadInvalid({ line, field: "lora_name" }, "a name is meant");
    rows.push({ queued, first, last, promptTokens, outputTokens, ...(name === undefined ? {} : { adapter: { name } }) });
  }
  const requests = rows.map(({ queued, first, last, promptTokens, outputTokens, adapter }): WorkloadRequest => {
    const atNs = Math.round((queued - start) * NS_PER_S);
    const endNs = Math.round((last - queued) * NS_PER_S);
    if (atNs + endNs > WORKLOAD_NS_MAX) throw workloadInvalid({ field: FIELDS[2] }, "the rows span more than 100 days");
    const measured = { firstTokenNs: Math.round((first - queued) * NS_PER_S), endNs };
    return { atNs, promptTokens, outputTokens, ...(adapter && { adapter }), measured };
  });
  return { source: "engine request log", clock: "engine", requests };
}

/** Whether the first row of a JSONL file is one of such a log. */
export function isEngineLogRow(fields: Readonly<Record<string, unknown>>): boolean {
  return FIELDS.every((field) => field in fields);
}

function seconds(value: unknown, place: { line: number; field: string }): number {
  if (typeof value === "number" && value >= 0 && value < 1e11) return value;
  throw workloadInvalid(place, `is ${shown(value)}; seconds are meant`);
}
