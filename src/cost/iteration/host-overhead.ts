import { emptyBatch, type IterationCost } from "./iteration-cost.ts";

/** Decoding that was measured from outside: requests at once, their lengths, and the median time of an output token. */
export interface MeasuredDecoding {
  readonly concurrency: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly tpotNs: number;
}

/** What a measurement says of the time an engine adds to the devices' time of an iteration. */
export interface HostOverhead {
  /** Of each point: what the devices are priced at, and what is left of the measured time; below 0 the devices' price is too high. */
  readonly points: readonly { readonly measuredNs: number; readonly devicesNs: number; readonly leftNs: number }[];
  /** Median of what is left, at least 0: the `overheadNs` of a deployment. */
  readonly overheadNs: number;
  /** Half of the range of what is left over the mean measured time: large where one constant does not explain the points. */
  readonly disagreement: number;
}

/**
 * Host time of an iteration from measured decoding.
 *
 * Model: an output token takes one iteration of the sequences that run at once at their mean context, and the host's time, which does not depend on
 * them. Prompts that fall into the decoding of others count as host time, so low concurrency tells most.
 */
export function hostOverhead(cost: IterationCost, measured: readonly MeasuredDecoding[]): HostOverhead {
  const points = measured.map(({ concurrency, promptTokens, outputTokens, tpotNs }) => {
    const context = promptTokens + outputTokens / 2;
    const shape = { ...emptyBatch(), decodes: concurrency, decodeContext: concurrency * context, decodeContextMax: context };
    const devicesNs = cost.iterationNs(shape);
    return { measuredNs: tpotNs, devicesNs, leftNs: tpotNs - devicesNs };
  });
  const left = points.map(({ leftNs }) => leftNs).sort((a, b) => a - b);
  const middle = left.length === 0 ? 0 : (left[(left.length - 1) >> 1]! + left[left.length >> 1]!) / 2;
  let sum = 0;
  for (const { measuredNs } of points) sum += measuredNs;
  const disagreement = left.length === 0 ? 0 : ((left.at(-1)! - left[0]!) * left.length) / 2 / sum;
  return { points, overheadNs: Math.round(Math.max(0, middle)), disagreement };
}
