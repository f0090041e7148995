import { NS_PER_S } from "../../base/units.ts";
import { shown, timeField, tokensField } from "./number-field.ts";
import { WORKLOAD_NS_MAX, WORKLOAD_ROWS_MAX, type Workload, type WorkloadRequest } from "./workload.ts";
import { workloadInvalid } from "./workload-error.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Attributes of a request's span. Source: vllm-project/vllm, `SpanAttributes` of vllm/tracing.py, after OpenTelemetry's gen_ai conventions. */
const PROMPT = ["gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens"];
const OUTPUT = ["gen_ai.usage.completion_tokens", "gen_ai.usage.output_tokens"];
const FIRST = ["gen_ai.latency.time_to_first_token", "gen_ai.server.time_to_first_token"];
const END = ["gen_ai.latency.e2e", "gen_ai.server.request.duration"];

interface Draft {
  readonly startNs: bigint;
  readonly request: Omit<WorkloadRequest, "atNs">;
}

/**
 * Requests of an OpenTelemetry export in OTLP JSON (one document, or one a line): spans with `gen_ai.usage.*` tokens, at `startTimeUnixNano`. Latencies
 * are `gen_ai.latency.*` (s), or the span's own length. Other spans are left out and counted.
 *
 * Errors: `workload-invalid` naming the field.
 * Source: opentelemetry-proto, trace.proto in its JSON mapping (times as decimal strings).
 */
export function otlpWorkload(documents: readonly Fields[]): Workload {
  const drafts: Draft[] = [];
  let others = 0;
  for (const document of documents) {
    for (const span of spansOf(document)) {
      const draft = draftOf(span);
      if (draft === undefined) others += 1;
      else if (drafts.push(draft) > WORKLOAD_ROWS_MAX) throw workloadInvalid({}, `more than ${WORKLOAD_ROWS_MAX} rows`);
    }
  }
  const first = drafts.reduce((least, { startNs }) => (startNs < least ? startNs : least), drafts[0]?.startNs ?? 0n);
  const requests = drafts.map(({ startNs, request }) => {
    const atNs = Number(startNs - first);
    if (atNs > WORKLOAD_NS_MAX) throw workloadInvalid({ field: "startTimeUnixNano" }, "the spans lie more than 100 days apart");
    return { ...request, atNs };
  });
  const leftOut = others === 0 ? {} : { leftOut: [{ reason: "spans of something else than a request", rows: others }] };
  return { source: "OpenTelemetry spans", clock: "engine", ...leftOut, requests };
}

/** Whether a JSON document is such an export. */
export function isOtlp(fields: Fields): boolean {
  return Array.isArray(fields["resourceSpans"]);
}

function* spansOf(document: Fields): Generator<Fields> {
  for (const resource of listOf(document, "resourceSpans")) {
    for (const scope of listOf(resource, "scopeSpans")) yield* listOf(scope, "spans");
  }
}

function listOf(fields: Fields, field: string): readonly Fields[] {
  const value = fields[field] ?? [];
  if (Array.isArray(value) && value.every((one) => typeof one === "object" && one !== null)) return value as Fields[];
  throw workloadInvalid({ field }, `is ${shown(value)}; a list of objects is meant`);
}

function draftOf(span: Fields): Draft | undefined {
  const attributes = attributesOf(span);
  const prompt = firstOf(attributes, PROMPT);
  const output = firstOf(attributes, OUTPUT);
  if (prompt === undefined || output === undefined) return undefined;
  const startNs = instant(span, "startTimeUnixNano");
  const firstTokenNs = latency(attributes, FIRST);
  const endNs = latency(attributes, END) ?? Number(instant(span, "endTimeUnixNano") - startNs);
  const measured = firstTokenNs === undefined || !(endNs >= firstTokenNs) ? {} : { measured: { firstTokenNs, endNs } };
  return {
    startNs,
    request: {
      promptTokens: tokensField(prompt, { field: PROMPT[0]! }),
      outputTokens: tokensField(output, { field: OUTPUT[0]! }),
      ...measured,
    },
  };
}

/** Values by key; integers are decimal strings in this format. */
function attributesOf(span: Fields): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>();
  for (const attribute of listOf(span, "attributes")) {
    const { key, value } = attribute as { key?: unknown; value?: unknown };
    if (typeof key !== "string" || typeof value !== "object" || value === null) continue;
    const { intValue, doubleValue } = value as { intValue?: unknown; doubleValue?: unknown };
    if (typeof intValue === "string" && /^\d{1,15}$/.test(intValue)) values.set(key, Number(intValue));
    else if (intValue !== undefined || doubleValue !== undefined) values.set(key, intValue ?? doubleValue);
  }
  return values;
}

function firstOf(attributes: ReadonlyMap<string, unknown>, keys: readonly string[]): unknown {
  return keys.map((key) => attributes.get(key)).find((value) => value !== undefined);
}

function latency(attributes: ReadonlyMap<string, unknown>, keys: readonly string[]): number | undefined {
  const value = firstOf(attributes, keys);
  return value === undefined ? undefined : timeField(value, { field: keys[0]! }, NS_PER_S);
}

function instant(span: Fields, field: string): bigint {
  const value = span[field];
  if (typeof value === "string" && /^\d{1,19}$/.test(value)) return BigInt(value);
  throw workloadInvalid({ field }, `is ${shown(value)}; nanoseconds as a decimal string are meant`);
}
