import { NS_PER_S } from "../../base/units.ts";
import type { DeviceFigures } from "./device-figures.ts";
import type { PeakFigure } from "./grounded.ts";
import { BANDWIDTH_SHARE, CUT_CHEAP, CUT_DEAR, LATENCY_LARGE, LATENCY_SMALL } from "./thresholds.ts";

/** What one stage, or one operator, does in a run. */
export interface PieceOfWork {
  readonly flops: number;
  readonly bytes: number;
  /** Operators that do something, those of loops as often as they run. */
  readonly launches: number;
  /** Activations that come from other stages and go to them; undefined where a shape is not known. */
  readonly crossingBytes: number | undefined;
  /** Operators whose work no rule tells: the figures leave them out. */
  readonly unknownOperators: number;
}

/** What a stage's time on a device is spent on while its neighbours are there too. */
export type Bound = "compute" | "bandwidth" | "latency" | "idle" | "unknown";

/** A number of an axis with its label; undefined where a figure of the device or the model is missing. */
export interface Axis<Label extends string> {
  readonly value: number | undefined;
  readonly label: Label | "unknown";
}

export interface WorkClass {
  readonly bound: Bound;
  readonly computeNs: number | undefined;
  readonly bytesNs: number;
  /** 0 where the device's overheads are not known. */
  readonly launchNs: number;
  /** max(compute, bytes) + launches; undefined where the device has no peak for the work. */
  readonly estimateNs: number | undefined;
  /** FLOP/byte, held against the device's ridge. */
  readonly intensity: Axis<"compute" | "bytes">;
  /** Share of the estimate that bytes take. */
  readonly bandwidth: Axis<"heavy" | "light">;
  /** Time to hand the activations over the device's best link ÷ estimate. */
  readonly communication: Axis<"cheap" | "overlap" | "dear">;
  /** (Launches + latency of the link) ÷ max(compute, bytes). */
  readonly latency: Axis<"robust" | "noticeable" | "sensitive">;
}

export interface WorkDevice extends Pick<DeviceFigures, "bandwidth" | "overheads" | "link"> {
  /** Of the model's type or a wider one. */
  readonly peak: PeakFigure | undefined;
}

const NOTHING = { value: undefined, label: "unknown" } as const;

/**
 * Estimate and class of a piece of work on a device.
 *
 * Model: roofline, max(operations / peak, bytes / bandwidth), and a launch an operator; what is fused launches and moves less.
 * Source: Williams, Waterman, Patterson: Roofline, CACM 52(4), 2009.
 */
export function classifyWork(work: PieceOfWork, device: WorkDevice): WorkClass {
  const { flops, bytes, launches } = work;
  const { bandwidth, overheads, peak } = device;
  const computeNs = flops === 0 ? 0 : peak && (flops / peak.operationsPerSecond) * NS_PER_S;
  const bytesNs = (bytes / bandwidth.bytesPerSecond) * NS_PER_S;
  const launchNs = launches * (overheads?.operatorNs ?? 0);
  if (flops === 0 && bytes === 0) return nothing(work.unknownOperators === 0);
  const roofNs = computeNs === undefined ? undefined : Math.max(computeNs, bytesNs);
  const estimateNs = roofNs === undefined ? undefined : roofNs + launchNs;
  return {
    bound: boundOf({ computeNs, bytesNs, launchNs, roofNs }),
    computeNs,
    bytesNs,
    launchNs,
    estimateNs,
    intensity: intensityOf(work, device),
    bandwidth: estimateNs === undefined ? NOTHING : axis(bytesNs / estimateNs, [[BANDWIDTH_SHARE, "heavy"]], "light"),
    communication: communicationOf(work, device, estimateNs),
    latency: latencyOf(device, launchNs, roofNs),
  };
}

/** Peak over bandwidth: the intensity from which operations take longer than bytes. */
export function ridgeOf({ peak, bandwidth }: Pick<WorkDevice, "peak" | "bandwidth">): number | undefined {
  return peak && peak.operationsPerSecond / bandwidth.bytesPerSecond;
}

/** A part that does nothing in this run, such as an encoder while tokens are decoded, or nothing that is known. */
function nothing(known: boolean): WorkClass {
  const none = known ? 0 : undefined;
  return {
    bound: known ? "idle" : "unknown",
    computeNs: none,
    bytesNs: 0,
    launchNs: 0,
    estimateNs: none,
    intensity: NOTHING,
    bandwidth: NOTHING,
    communication: NOTHING,
    latency: NOTHING,
  };
}

function boundOf(times: {
  readonly computeNs: number | undefined;
  readonly bytesNs: number;
  readonly launchNs: number;
  readonly roofNs: number | undefined;
}): Bound {
  const { computeNs, bytesNs, launchNs, roofNs } = times;
  if (computeNs === undefined || roofNs === undefined) return "unknown";
  if (launchNs >= LATENCY_LARGE * roofNs) return "latency";
  return computeNs >= bytesNs ? "compute" : "bandwidth";
}

function intensityOf({ flops, bytes }: PieceOfWork, device: WorkDevice): WorkClass["intensity"] {
  const value = bytes === 0 ? undefined : flops / bytes;
  const ridge = ridgeOf(device);
  if (flops === 0) return { value, label: "bytes" };
  if (ridge === undefined) return { value, label: "unknown" };
  return { value, label: value === undefined || value >= ridge ? "compute" : "bytes" };
}

function communicationOf({ crossingBytes }: PieceOfWork, { link }: WorkDevice, estimateNs: number | undefined): WorkClass["communication"] {
  if (crossingBytes === undefined || link === undefined || estimateNs === undefined) return NOTHING;
  const crossingNs = (crossingBytes / link.bytesPerSecond) * NS_PER_S;
  return axis(
    crossingNs / estimateNs,
    [
      [CUT_DEAR, "dear"],
      [CUT_CHEAP, "overlap"],
    ],
    "cheap",
  );
}

function latencyOf({ overheads, link }: WorkDevice, launchNs: number, roofNs: number | undefined): WorkClass["latency"] {
  if (overheads === undefined || roofNs === undefined) return NOTHING;
  return axis(
    (launchNs + (link?.latencyNs ?? 0)) / roofNs,
    [
      [LATENCY_LARGE, "sensitive"],
      [LATENCY_SMALL, "noticeable"],
    ],
    "robust",
  );
}

/** Label of the first bound, from the greatest down, that the value reaches. */
function axis<Label extends string>(value: number, bounds: readonly (readonly [number, Label])[], below: Label): Axis<Label> {
  return { value, label: bounds.find(([least]) => value >= least)?.[1] ?? below };
}
