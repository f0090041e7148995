import { HeddleError } from "../../base/heddle-error.ts";

/** One sample of a scrape. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Longest exposition read, in characters; samples read. */
const TEXT_MAX = 67_108_864;
const SAMPLES_MAX = 1_000_000;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+\S+)?$/;
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"\s*(?:,|$)/y;

/**
 * Samples of a Prometheus exposition, without comments, types and times.
 *
 * Errors: `workload-invalid` with the line.
 * Source: Prometheus, text exposition format 0.0.4.
 */
export function prometheusSamples(text: string): MetricSample[] {
  if (text.length > TEXT_MAX) throw invalid(1, `${text.length} characters, at most ${TEXT_MAX} are read`);
  const samples: MetricSample[] = [];
  for (const [i, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const parts = SAMPLE.exec(line);
    if (parts === null) throw invalid(i + 1, "is no sample of a Prometheus exposition");
    const value = numberOf(parts[3]!);
    if (value === undefined) throw invalid(i + 1, `${parts[3]!.slice(0, 40)} is no number`);
    samples.push({ name: parts[1]!, labels: labelsOf(parts[2] ?? "", i + 1), value });
    if (samples.length > SAMPLES_MAX) throw invalid(i + 1, `more than ${SAMPLES_MAX} samples`);
  }
  return samples;
}

function labelsOf(text: string, line: number): Readonly<Record<string, string>> {
  const labels: Record<string, string> = Object.create(null) as Record<string, string>;
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const at = LABEL.lastIndex;
    const found = LABEL.exec(text);
    if (found === null) throw invalid(line, `labels from ${text.slice(at, at + 40)}`);
    labels[found[1]!] = found[2]!.replace(/\\(.)/g, (_all, character: string) => (character === "n" ? "\n" : character));
  }
  return labels;
}

function numberOf(text: string): number | undefined {
  if (text === "NaN") return NaN;
  if (/^[+-]?Inf$/.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}

function invalid(line: number, detail: string): HeddleError {
  return new HeddleError("workload-invalid", { where: `line ${line} of the metrics`, detail });
}
