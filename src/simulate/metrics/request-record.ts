import type { Nanoseconds } from "../../base/units.ts";

/** One request as the front end's engine saw it, live or simulated. All times are of one clock. */
export interface RequestRecord {
  readonly request: number;
  /** When it was queued. */
  readonly queuedAt: Nanoseconds;
  readonly promptTokens: number;
  /** Times of its first and last token; absent where none came. */
  readonly firstTokenAt?: Nanoseconds;
  readonly lastTokenAt?: Nanoseconds;
  readonly tokens: number;
  readonly cachedTokens: number;
  /** How it ended: a finish reason, or the code of the error. */
  readonly end: string;
}

/** Time to first token: from being queued to the first token, on the engine's clock. Undefined without a token. */
export function ttftNs(record: RequestRecord): Nanoseconds | undefined {
  return record.firstTokenAt === undefined ? undefined : record.firstTokenAt - record.queuedAt;
}

/** Time per output token after the first (exclusive of TTFT). Undefined for fewer than two tokens. */
export function tpotNs({ firstTokenAt, lastTokenAt, tokens }: RequestRecord): Nanoseconds | undefined {
  if (firstTokenAt === undefined || lastTokenAt === undefined || tokens < 2) return undefined;
  return (lastTokenAt - firstTokenAt) / (tokens - 1);
}

/** From being queued to the last token. Undefined without a token. */
export function e2eNs(record: RequestRecord): Nanoseconds | undefined {
  return record.lastTokenAt === undefined ? undefined : record.lastTokenAt - record.queuedAt;
}
