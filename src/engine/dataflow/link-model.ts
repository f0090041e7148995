import { type Bytes, type Nanoseconds, NS_PER_S } from "../../base/units.ts";
import type { LinkSpec } from "./dataflow-types.ts";

/**
 * What transfers over a link take: latency + bytes / bandwidth, both learned by a line through what was measured, older transfers fading.
 *
 * Model: least squares; where sizes hardly differ, or the line would have a negative figure, both figures of the data sheet times one factor.
 */
export interface LinkModel {
  readonly latencyNs: Nanoseconds;
  readonly nsPerByte: number;
  weight: number;
  sumBytes: number;
  sumNs: number;
  sumBytes2: number;
  sumBytesNs: number;
  learnedLatencyNs: Nanoseconds;
  learnedNsPerByte: number;
  count: number;
}

const FADING = 0.9;
/**
 * One transfer may make a link look slower by so much at most: a link that is taken to be slow is not used, so nothing would ever show that it was the
 * other end that kept one transfer waiting. A link that is really slow is known after a few.
 */
const GROWTH_MAX = 4;
/** Spread of sizes (variance / mean²) from which both figures of the line are taken. */
const SPREAD_MIN = 0.05;

export function createLinkModel({ latencyNs, bytesPerSecond }: LinkSpec): LinkModel {
  const nsPerByte = NS_PER_S / bytesPerSecond;
  const sums = { weight: 0, sumBytes: 0, sumNs: 0, sumBytes2: 0, sumBytesNs: 0 };
  return { latencyNs, nsPerByte, ...sums, learnedLatencyNs: latencyNs, learnedNsPerByte: nsPerByte, count: 0 };
}

export function predictTransferNs(link: LinkModel, bytes: Bytes): Nanoseconds {
  return link.learnedLatencyNs + bytes * link.learnedNsPerByte;
}

export function recordTransfer(link: LinkModel, bytes: Bytes, measuredNs: Nanoseconds): void {
  const durationNs = Math.min(measuredNs, GROWTH_MAX * predictTransferNs(link, bytes));
  link.count++;
  link.weight = link.weight * FADING + 1;
  link.sumBytes = link.sumBytes * FADING + bytes;
  link.sumNs = link.sumNs * FADING + durationNs;
  link.sumBytes2 = link.sumBytes2 * FADING + bytes * bytes;
  link.sumBytesNs = link.sumBytesNs * FADING + bytes * durationNs;
  const meanBytes = link.sumBytes / link.weight;
  const meanNs = link.sumNs / link.weight;
  const variance = link.sumBytes2 / link.weight - meanBytes * meanBytes;
  if (variance > SPREAD_MIN * meanBytes * meanBytes) {
    const slope = (link.sumBytesNs / link.weight - meanBytes * meanNs) / variance;
    const latency = meanNs - slope * meanBytes;
    if (slope > 0 && latency >= 0) {
      link.learnedNsPerByte = slope;
      link.learnedLatencyNs = latency;
      return;
    }
  }
  // All of one size, or a line that makes no sense: both figures by one factor.
  const factor = meanNs / Math.max(1, link.latencyNs + meanBytes * link.nsPerByte);
  link.learnedLatencyNs = link.latencyNs * factor;
  link.learnedNsPerByte = link.nsPerByte * factor;
}
