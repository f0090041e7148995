import { type Bytes, type Nanoseconds, NS_PER_S, type Ratio } from "../../base/units.ts";
import type { LinkSpec } from "./dataflow-types.ts";

/**
 * What transfers over a link take: latency + bytes / bandwidth, both learned by a line through what was measured, older transfers fading; and beside it what
 * transfers of about a size took, which those of other sizes do not wash away.
 *
 * Model: least squares; where sizes hardly differ, or the line would have a figure that cannot be, both figures of the data sheet times one factor. A size is
 * predicted by the mean of its kind (sizes that differ by less than 2) and the line's bandwidth from there, one never sent by the line.
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
  /** Sizes of more than one kind were sent; else the line knows as much, and is nearer at hand. */
  mixed: boolean;
  /** The last kind that was sent; -1: none. */
  kind: number;
  /** By kind of size, side by side so that a prediction reads one line of the cache: transfers, their mean bytes and ns, and the link's count at the last one. */
  readonly kinds: Float64Array;
}

const FADING = 0.9;
/**
 * One transfer may make a link look slower by so much at most: a link that is taken to be slow is not used, so nothing would ever show that it was the
 * other end that kept one transfer waiting. A link that is really slow is known after a few.
 */
const GROWTH_MAX = 4;
/** Spread of sizes (variance / mean²) from which both figures of the line are taken. */
const SPREAD_MIN = 0.05;
/**
 * A line that is steeper than the data sheet by more is one through the noise of small transfers.
 *
 * Why: transfers of 4 and 8 bytes that took about a ms gave 124 us a byte, and a sound of 128 kB was predicted to take 15.8 s: its device was left idle.
 */
const STEEPER_MAX: Ratio = 32;
/** Kinds of sizes: powers of two of bytes. */
const KINDS = 48;
const FIGURES = 4;
const [BYTES, NS, AT] = [1, 2, 3];
/** Whole numbers below are told apart at once. */
const WORD = 4_294_967_296;
const WORD_KINDS = 32;
/** Transfers of a kind after which older ones fade. */
const MEMORY_TRANSFERS = 8;
/** Transfers over the link after which what a kind took is forgotten: a size taken to be slow is not sent, so nothing else would mend it. */
const KIND_AGE_MAX = 512;

export function createLinkModel({ latencyNs, bytesPerSecond }: LinkSpec): LinkModel {
  const nsPerByte = NS_PER_S / bytesPerSecond;
  const sums = { weight: 0, sumBytes: 0, sumNs: 0, sumBytes2: 0, sumBytesNs: 0 };
  return {
    latencyNs,
    nsPerByte,
    ...sums,
    learnedLatencyNs: latencyNs,
    learnedNsPerByte: nsPerByte,
    count: 0,
    mixed: false,
    kind: -1,
    kinds: new Float64Array(KINDS * FIGURES),
  };
}

export function predictTransferNs(link: LinkModel, bytes: Bytes): Nanoseconds {
  if (!link.mixed) return link.learnedLatencyNs + bytes * link.learnedNsPerByte;
  const { kinds } = link;
  const kind = kindOf(bytes) * FIGURES;
  if (kinds[kind] === 0 || link.count - kinds[kind + AT]! > KIND_AGE_MAX) return link.learnedLatencyNs + bytes * link.learnedNsPerByte;
  return Math.max(0, kinds[kind + NS]! + (bytes - kinds[kind + BYTES]!) * link.learnedNsPerByte);
}

/** Both figures of the line. */
export function lineOf({ learnedLatencyNs, learnedNsPerByte }: LinkModel): { readonly latencyNs: Nanoseconds; readonly nsPerByte: number } {
  return { latencyNs: learnedLatencyNs, nsPerByte: learnedNsPerByte };
}

export function recordTransfer(link: LinkModel, bytes: Bytes, measuredNs: Nanoseconds): void {
  const durationNs = Math.min(measuredNs, GROWTH_MAX * predictTransferNs(link, bytes));
  link.count++;
  recordKind(link, bytes, durationNs);
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
    if (slope > 0 && slope <= STEEPER_MAX * link.nsPerByte && latency >= 0) {
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

function recordKind(link: LinkModel, bytes: Bytes, durationNs: Nanoseconds): void {
  const { kinds, count: now } = link;
  const kind = kindOf(bytes) * FIGURES;
  if (link.kind >= 0 && link.kind !== kind) link.mixed = true;
  link.kind = kind;
  if (now - kinds[kind + AT]! > KIND_AGE_MAX) kinds[kind] = 0;
  const count = Math.min(kinds[kind]! + 1, MEMORY_TRANSFERS);
  kinds[kind] = count;
  kinds[kind + BYTES]! += (bytes - kinds[kind + BYTES]!) / count;
  kinds[kind + NS]! += (durationNs - kinds[kind + NS]!) / count;
  kinds[kind + AT] = now;
}

/** The power of two below a size. */
function kindOf(bytes: Bytes): number {
  if (bytes < WORD) return bytes < 2 ? 0 : WORD_KINDS - 1 - Math.clz32(bytes);
  return Math.min(KINDS - 1, WORD_KINDS + kindOf(bytes / WORD));
}
