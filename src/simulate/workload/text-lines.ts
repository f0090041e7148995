import { WORKLOAD_ROWS_MAX } from "./workload.ts";
import { workloadInvalid } from "./workload-error.ts";

/** Longest line read, in characters: 100,000 hash ids of ten digits. */
const LINE_MAX = 1_048_576;

/** One line with its number, from 1. */
export interface TextLine {
  readonly line: number;
  readonly text: string;
}

/** The lines of a text that are not empty, without line ends. Errors: `workload-invalid` for too long or too many lines. */
export function* textLines(text: string): Generator<TextLine> {
  let rows = 0;
  let start = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  for (let line = 1; start < text.length; line++) {
    const found = text.indexOf("\n", start);
    const end = found === -1 ? text.length : found;
    if (end - start > LINE_MAX) throw workloadInvalid({ line }, `${end - start} characters, at most ${LINE_MAX} are read`);
    const content = text.slice(start, end).trim();
    start = end + 1;
    if (content === "") continue;
    if (++rows > WORKLOAD_ROWS_MAX) throw workloadInvalid({ line }, `more than ${WORKLOAD_ROWS_MAX} rows`);
    yield { line, text: content };
  }
}

/** One JSON object. Errors: `workload-invalid`. */
export function jsonObject({ line, text }: TextLine): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw workloadInvalid({ line }, "is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw workloadInvalid({ line }, "a JSON object is meant");
  return value as Readonly<Record<string, unknown>>;
}
