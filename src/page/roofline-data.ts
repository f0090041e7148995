import type { Bound } from "../inspect/classify/classify-work.ts";
import type { DeviceReading } from "../inspect/classify/rack-reading.ts";
import type { PageData } from "../inspect/page/page-data.ts";
import { stageReading } from "./classes.ts";
import type { View } from "./view.ts";

export interface RooflineMark {
  readonly scope: string;
  readonly bound: Bound;
  /** FLOP/byte, and FLOP/s that the estimate comes to. */
  readonly intensity: number;
  readonly rate: number;
}

const NS_PER_S = 1e9;

/** Stages that lie on a roofline, and names of those that cannot. */
export function rooflineMarks(data: PageData, view: View): { readonly marks: readonly RooflineMark[]; readonly left: readonly string[] } {
  const marks: RooflineMark[] = [];
  const left: string[] = [];
  for (const [group, { name: scope }] of data.groups.entries()) {
    const reading = stageReading(data, view, group);
    if (reading === undefined || reading.bound === "idle") continue;
    const { flops, bytes, estimateNs, bound } = reading;
    if (flops === 0 || bytes === 0 || estimateNs === undefined) left.push(scope);
    else marks.push({ scope, bound, intensity: flops / bytes, rate: (flops * NS_PER_S) / estimateNs });
  }
  return { marks, left };
}

/** Corner points of a device's roof between two intensities: the slope of its bandwidth, then its peak. */
export function roofOf(
  { peak, bandwidth, ridge }: Pick<DeviceReading, "peak" | "bandwidth" | "ridge">,
  [from, to]: readonly [number, number],
): readonly (readonly [number, number])[] {
  if (peak === undefined || ridge === undefined) return [];
  const at = (intensity: number): readonly [number, number] => [
    intensity,
    Math.min(peak.operationsPerSecond, intensity * bandwidth.bytesPerSecond),
  ];
  return [from, ...(ridge > from && ridge < to ? [ridge] : []), to].map(at);
}
