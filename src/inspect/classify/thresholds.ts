/** A bound between two labels of an axis, with the reason for its value. */
export interface Threshold {
  readonly axis: "intensity" | "bandwidth" | "communication" | "latency";
  /** Undefined for the ridge, which is the device's own. */
  readonly value: number | undefined;
  readonly label: string;
  readonly reason: string;
}

/** From this share on, bytes are most of the estimated time. */
export const BANDWIDTH_SHARE = 0.5;
/** Below this a hand-over is lost in the time of the stage even where nothing overlaps. */
export const CUT_CHEAP = 0.1;
/** From this on a hand-over takes longer than the stage: a pipeline that overlaps both perfectly is paced by the link. */
export const CUT_DEAR = 1;
/** Below this launches are lost in the work. */
export const LATENCY_SMALL = 0.1;
/** From this on launches and the link's latency take longer than the work. */
export const LATENCY_LARGE = 1;

/** Every threshold of the classification, as reports print them. */
export const THRESHOLDS: readonly Threshold[] = [
  {
    axis: "intensity",
    value: undefined,
    label: "compute at or above the ridge, bytes below it",
    reason: "FLOP/byte at which peak and bandwidth take equally long (Williams, Waterman, Patterson: Roofline, CACM 52(4), 2009)",
  },
  { axis: "bandwidth", value: BANDWIDTH_SHARE, label: "heavy from here on", reason: "moving bytes is half of the estimated time or more" },
  {
    axis: "communication",
    value: CUT_CHEAP,
    label: "cheap below",
    reason: "a hand-over adds less than a tenth even if nothing overlaps it",
  },
  {
    axis: "communication",
    value: CUT_DEAR,
    label: "dear from here on",
    reason: "a hand-over takes longer than the stage: a pipeline that overlaps them is paced by the link",
  },
  { axis: "latency", value: LATENCY_SMALL, label: "robust below", reason: "launches and link latency are less than a tenth of the work" },
  { axis: "latency", value: LATENCY_LARGE, label: "sensitive from here on", reason: "launches and link latency take longer than the work" },
];
