import { type Summary, summarise } from "../../base/statistics.ts";
import { type Nanoseconds, NS_PER_S, type Ratio } from "../../base/units.ts";
import type { KvUse } from "./kv-meter.ts";
import { e2eNs, type RequestRecord, tpotNs, ttftNs } from "./request-record.ts";

/** What one run gave. Latencies are over the requests that ended well; NaN where there is none. */
export interface RunMetrics {
  /** Units: ns. */
  readonly ttft: Summary;
  readonly tpot: Summary;
  readonly e2e: Summary;
  /** Generated tokens per second from the first arrival to the last token, and requests that ended well per second. */
  readonly tokensPerSecond: number;
  readonly requestsPerSecond: number;
  readonly kvUse: KvUse;
  /** Prompt tokens that were not computed, as a share of all. */
  readonly cachedShare: Ratio;
  /** Share of the time from the first arrival to the last token that each device worked. */
  readonly deviceUse: ReadonlyMap<string, Ratio>;
  readonly requests: RequestCounts;
}

export interface RequestCounts {
  readonly all: number;
  readonly finished: number;
  /** Cancelled by clients, and ended by an error. */
  readonly cancelled: number;
  readonly failed: number;
  /** Still open at the end of the run. */
  readonly unfinished: number;
}

export interface RunFacts {
  readonly records: readonly RequestRecord[];
  readonly unfinished: number;
  readonly kvUse: (from: Nanoseconds, to: Nanoseconds) => KvUse;
  readonly deviceBusyNs: ReadonlyMap<string, Nanoseconds>;
}

/** The metrics of a run, by the definitions of `request-record.ts`. */
export function runMetrics({ records, unfinished, kvUse, deviceBusyNs }: RunFacts): RunMetrics {
  const finished = records.filter(({ end }) => end === "stop" || end === "length");
  const cancelled = records.filter(({ end }) => end === "cancelled").length;
  const from = records.reduce((least, { queuedAt }) => Math.min(least, queuedAt), Infinity);
  const to = records.reduce((most, { lastTokenAt = 0 }) => Math.max(most, lastTokenAt), 0);
  const seconds = Math.max(0, to - from) / NS_PER_S;
  const tokens = records.reduce((sum, record) => sum + record.tokens, 0);
  const promptTokens = finished.reduce((sum, record) => sum + record.promptTokens, 0);
  const cachedTokens = finished.reduce((sum, record) => sum + record.cachedTokens, 0);
  return {
    ttft: summariseOf(finished, ttftNs),
    tpot: summariseOf(finished, tpotNs),
    e2e: summariseOf(finished, e2eNs),
    tokensPerSecond: seconds > 0 ? tokens / seconds : 0,
    requestsPerSecond: seconds > 0 ? finished.length / seconds : 0,
    kvUse: kvUse(from, to),
    cachedShare: promptTokens > 0 ? cachedTokens / promptTokens : 0,
    deviceUse: new Map([...deviceBusyNs].map(([device, busy]) => [device, seconds > 0 ? Math.min(1, busy / (seconds * NS_PER_S)) : 0])),
    requests: {
      all: records.length + unfinished,
      finished: finished.length,
      cancelled,
      failed: records.length - finished.length - cancelled,
      unfinished,
    },
  };
}

function summariseOf(records: readonly RequestRecord[], value: (record: RequestRecord) => Nanoseconds | undefined): Summary {
  return summarise(records.map(value).filter((ns) => ns !== undefined));
}
