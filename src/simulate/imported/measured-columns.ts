import { type Summary, summarise } from "../../base/statistics.ts";
import { NS_PER_S } from "../../base/units.ts";
import type { RequestColumns } from "../serving/serving-input.ts";
import type { Workload } from "../workload/workload.ts";

/** What was measured of each request, from its arrival; -1 where nothing was. Units: ns. */
export interface MeasuredColumns {
  /** A client's times hold network and tokenisation too. */
  readonly clock: "client" | "engine";
  readonly firstTokenNs: Float64Array;
  readonly endNs: Float64Array;
}

/** Figures of what was measured, in the definitions of simulated ones. */
export interface MeasuredFigures {
  readonly clock: MeasuredColumns["clock"];
  readonly requests: number;
  readonly ttft: Summary;
  readonly tpot: Summary;
  readonly e2e: Summary;
  readonly outputTokensPerSecond: number;
  readonly requestsPerSecond: number;
}

/** The measurements of a log in the order of its requests; undefined where it has none. */
export function measuredColumns({ requests, clock }: Workload): MeasuredColumns | undefined {
  if (!requests.some(({ measured }) => measured !== undefined)) return undefined;
  return {
    clock: clock ?? "client",
    firstTokenNs: Float64Array.from(requests, ({ measured }) => measured?.firstTokenNs ?? -1),
    endNs: Float64Array.from(requests, ({ measured }) => measured?.endNs ?? -1),
  };
}

/**
 * Figures of the measured requests. Rates are over the time from the first arrival to the last end; in a closed loop whose arrivals were not recorded they
 * are unknown (NaN).
 */
export function measuredFigures(columns: RequestColumns, measured: MeasuredColumns): MeasuredFigures {
  const { count, arrivalNs, outputTokens, after } = columns;
  const ttft: number[] = [];
  const tpot: number[] = [];
  const e2e: number[] = [];
  let tokens = 0;
  let lastNs = 0;
  for (let i = 0; i < count; i++) {
    const [first, end] = [measured.firstTokenNs[i]!, measured.endNs[i]!];
    if (first < 0 || end < 0) continue;
    ttft.push(first);
    e2e.push(end);
    if (outputTokens[i]! > 1) tpot.push((end - first) / (outputTokens[i]! - 1));
    tokens += outputTokens[i]!;
    lastNs = Math.max(lastNs, arrivalNs[i]! + end);
  }
  const seconds = after === undefined ? (lastNs - (arrivalNs[0] ?? 0)) / NS_PER_S : NaN;
  return {
    clock: measured.clock,
    requests: e2e.length,
    ttft: summarise(ttft),
    tpot: summarise(tpot),
    e2e: summarise(e2e),
    outputTokensPerSecond: tokens / seconds,
    requestsPerSecond: e2e.length / seconds,
  };
}
