import { assert } from "../../base/assert.ts";
import { quantileOfSorted } from "../../base/statistics.ts";
import { NS_PER_S } from "../../base/units.ts";
import { type ImageProfile, type ImageSizes, profileImages } from "./image-profile.ts";

/** Sizes and arrivals of requests as columns, in order of arrival; what a plan needs of a workload. */
export interface RequestSizes {
  readonly count: number;
  /** Units: ns, ascending. */
  readonly arrivalNs: Float64Array;
  readonly promptTokens: Int32Array;
  readonly outputTokens: Int32Array;
  /** Leading tokens that an earlier request had too: found where caches are endless and there is one. Absent: nothing is known to be shared. */
  readonly sharedTokens?: Int32Array;
  /** Absent: no request has any. Their tokens are part of the prompts. */
  readonly images?: ImageSizes;
}

/** Statistics of a workload that closed forms are made of. */
export interface WorkloadProfile {
  readonly requests: number;
  /** From the first arrival to the last. Units: s. */
  readonly seconds: number;
  /** Over the whole, and in the windows that hold the share `PEAK_SHARE` of all requests at most. Units: requests/s. */
  readonly meanRate: number;
  readonly peakRate: number;
  readonly prompt: LengthProfile;
  readonly output: LengthProfile;
  /** Prompt and output of the longest request. Units: tokens. */
  readonly longest: number;
  /** Of all prompt tokens, those an endless cache would have. Ratio. */
  readonly prefixShare: number;
  /** Absent: no request has any. */
  readonly images?: ImageProfile;
}

/** Lengths in tokens. `mean` and `meanSquare` are over requests, `quantile(0.9)` is of requests too. */
export interface LengthProfile {
  readonly mean: number;
  readonly meanSquare: number;
  readonly most: number;
  quantile(share: number): number;
}

/** Windows a rate is taken over: as long as queues of serving engines take to build and drain. Units: s. */
const WINDOW_S = 60;
/** A plan that keeps its target in windows up to the rate of this share of requests keeps it for as many. */
const PEAK_SHARE = 0.95;

/** Statistics of a workload. Complexity: n log n. */
export function profileWorkload(sizes: RequestSizes): WorkloadProfile {
  const { count, arrivalNs, promptTokens, outputTokens, sharedTokens } = sizes;
  assert(count > 0, "a workload has requests", { count });
  const seconds = Math.max((arrivalNs[count - 1]! - arrivalNs[0]!) / NS_PER_S, 1 / NS_PER_S);
  let shared = 0;
  for (let i = 0; i < (sharedTokens === undefined ? 0 : count); i++) shared += sharedTokens![i]!;
  let longest = 0;
  for (let i = 0; i < count; i++) longest = Math.max(longest, promptTokens[i]! + outputTokens[i]!);
  const prompt = lengthProfile(promptTokens.subarray(0, count));
  const images = sizes.images && profileImages(sizes.images, count);
  return {
    requests: count,
    seconds,
    meanRate: count / seconds,
    peakRate: peakRate(sizes, seconds),
    prompt,
    output: lengthProfile(outputTokens.subarray(0, count)),
    longest,
    prefixShare: prompt.mean === 0 ? 0 : shared / count / prompt.mean,
    ...(images && { images }),
  };
}

/** The rate of the window in which the request stands that is later than `PEAK_SHARE` of requests when windows are put in order of rate. */
function peakRate({ count, arrivalNs }: RequestSizes, seconds: number): number {
  const windows = Math.max(1, Math.floor(seconds / WINDOW_S));
  const lengthS = seconds / windows;
  const counts = new Float64Array(windows);
  const first = arrivalNs[0]!;
  for (let i = 0; i < count; i++) {
    const at = Math.floor((arrivalNs[i]! - first) / NS_PER_S / lengthS);
    counts[Math.min(windows - 1, at)]! += 1;
  }
  counts.sort();
  let passed = 0;
  for (const each of counts) {
    passed += each;
    if (passed >= PEAK_SHARE * count) return each / lengthS;
  }
  return counts[windows - 1]! / lengthS;
}

function lengthProfile(lengths: Int32Array): LengthProfile {
  const sorted = Float64Array.from(lengths).sort();
  let sum = 0;
  let squares = 0;
  for (const length of sorted) {
    sum += length;
    squares += length * length;
  }
  return {
    mean: sum / sorted.length,
    meanSquare: squares / sorted.length,
    most: sorted[sorted.length - 1]!,
    quantile: (share) => quantileOfSorted(sorted, share),
  };
}
