import type { RunFigures } from "../deployment/run-figures.ts";

/** Figures of a point, one column each. Times in ms. NaN where there is nothing to take a figure of. */
export type PointFigures = Readonly<Record<FigureName, number>>;

/** Columns of a sweep's result after those of the varied fields. `front_ms_mean`: the engine's front end, in TTFT and end to end; 0 at the engine. */
export const FIGURE_NAMES = [
  "requests_finished",
  "requests_rejected",
  "good_share",
  "ttft_ms_p50",
  "ttft_ms_p90",
  "ttft_ms_p99",
  "front_ms_mean",
  "tpot_ms_p50",
  "tpot_ms_p90",
  "tpot_ms_p99",
  "e2e_ms_p50",
  "e2e_ms_p90",
  "e2e_ms_p99",
  "requests_per_s",
  "output_tokens_per_s",
  "tokens_per_s",
  "dollars_per_million_output_tokens",
  "joules_per_output_token",
  "kv_mean",
  "kv_peak",
  "cached_share",
  "adapter_hit_share",
  "adapter_loads",
  "adapter_short_share",
  "images_encoded",
  "image_found_share",
  "preemptions",
  "replicas_mean",
  "requests_resent",
  "devices",
] as const;

export type FigureName = (typeof FIGURE_NAMES)[number];

/** One point of a sweep. A point that cannot be has no figures, and says why. */
export interface PointRow {
  readonly index: number;
  readonly figures?: PointFigures;
  /** Code and words of the error, such as a cut that does not fit. */
  readonly error?: string;
}

const NS_PER_MS = 1e6;

/** The figures of a run in columns. */
export function pointFigures(figures: RunFigures, devices: number): PointFigures {
  const { ttft, tpot, e2e } = figures;
  return {
    requests_finished: figures.requests.finished,
    requests_rejected: figures.requests.rejected,
    good_share: figures.goodShare,
    ttft_ms_p50: ttft.p50 / NS_PER_MS,
    ttft_ms_p90: ttft.p90 / NS_PER_MS,
    ttft_ms_p99: ttft.p99 / NS_PER_MS,
    front_ms_mean: (figures.front?.mean ?? 0) / NS_PER_MS,
    tpot_ms_p50: tpot.p50 / NS_PER_MS,
    tpot_ms_p90: tpot.p90 / NS_PER_MS,
    tpot_ms_p99: tpot.p99 / NS_PER_MS,
    e2e_ms_p50: e2e.p50 / NS_PER_MS,
    e2e_ms_p90: e2e.p90 / NS_PER_MS,
    e2e_ms_p99: e2e.p99 / NS_PER_MS,
    requests_per_s: figures.requestsPerSecond,
    output_tokens_per_s: figures.outputTokensPerSecond,
    tokens_per_s: figures.tokensPerSecond,
    dollars_per_million_output_tokens: figures.dollarsPerMillionOutputTokens,
    joules_per_output_token: figures.joulesPerOutputToken,
    kv_mean: figures.kvMean,
    kv_peak: figures.kvPeak,
    cached_share: figures.cachedShare,
    adapter_hit_share: figures.adapters?.hitShare ?? NaN,
    adapter_loads: figures.adapters?.loads ?? NaN,
    adapter_short_share: figures.adapters?.shortShare ?? NaN,
    images_encoded: figures.images?.encoded ?? NaN,
    image_found_share: figures.images?.foundShare ?? NaN,
    preemptions: figures.preemptions,
    replicas_mean: figures.replicas.reduce((sum, count) => sum + count, 0),
    requests_resent: figures.resent,
    devices,
  };
}
