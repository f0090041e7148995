import { ln } from "../../../base/math.ts";
import type { Prng } from "../../../base/prng.ts";
import { gammaDraw } from "../../../base/statistics.ts";
import { NS_PER_S } from "../../../base/units.ts";
import { workloadInvalid } from "../workload-error.ts";
import type { SpecFields } from "./spec.ts";

/** Time of the next arrival after `atNs`. Units: ns, not whole. */
export type NextArrival = (atNs: number, prng: Prng) => number;

/**
 * The arrivals that a kind of generated workload has:
 * - `poisson` (rate): independent exponential gaps;
 * - `gamma` (rate, cv): independent gaps with standard deviation over mean `cv`; 1 is Poisson, above is bursty;
 * - `diurnal` (rate, peak, period): Poisson with a rate that goes up and down as a triangle from (2 - peak) x rate to peak x rate in `period` seconds;
 * - `bursts` (rate, peak, every, lasting): Poisson with rate `rate`, and `peak` x that during the first `lasting` of each `every` seconds.
 *
 * Errors: `workload-invalid` naming the field.
 */
export function arrivalsOf(spec: SpecFields): { readonly next: NextArrival; readonly rateMax: number } {
  const rate = spec.number("rate");
  switch (spec.kind) {
    case "poisson":
      return { next: (atNs, prng) => atNs + exponentialNs(rate, prng), rateMax: rate };
    case "gamma": {
      const variation = spec.number("cv");
      const shape = 1 / (variation * variation);
      return { next: (atNs, prng) => atNs + (gammaDraw(shape, prng) / shape / rate) * NS_PER_S, rateMax: rate };
    }
    case "diurnal": {
      const peak = spec.number("peak", { least: 1 });
      if (peak > 2) throw workloadInvalid({ field: "peak" }, "is at most 2: the rate is then 0 at its lowest");
      const periodNs = spec.number("period") * NS_PER_S;
      // 0 at the start of a period, 1 in its middle.
      const height = (atNs: number): number => 1 - Math.abs(((atNs % periodNs) / periodNs) * 2 - 1);
      return varying(rate * peak, (atNs) => (2 - peak + 2 * (peak - 1) * height(atNs)) / peak);
    }
    case "bursts": {
      const peak = spec.number("peak", { least: 1 });
      const everyNs = spec.number("every") * NS_PER_S;
      const lastingNs = spec.number("lasting") * NS_PER_S;
      if (lastingNs > everyNs) throw workloadInvalid({ field: "lasting" }, "a burst lasts no longer than the time from one to the next");
      return varying(rate * peak, (atNs) => (atNs % everyNs < lastingNs ? 1 : 1 / peak));
    }
    default:
      throw workloadInvalid({}, `${spec.kind} is no kind of arrivals`);
  }
}

/** Thinning: candidates at the highest rate, each kept with the share that the rate then has of it. Source: Lewis and Shedler (1979). */
function varying(rateMax: number, share: (atNs: number) => number): { readonly next: NextArrival; readonly rateMax: number } {
  return {
    rateMax,
    next: (atNs, prng) => {
      for (let time = atNs; ; ) {
        time += exponentialNs(rateMax, prng);
        if (prng.nextFloat() < share(time)) return time;
      }
    },
  };
}

/** Time to the next arrival of a Poisson process. `rate`: a second. Units: ns. */
export function exponentialNs(rate: number, prng: Prng): number {
  return (-ln(1 - prng.nextFloat()) / rate) * NS_PER_S;
}
