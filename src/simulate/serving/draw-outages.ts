import { ln } from "../../base/math.ts";
import { seededPrng } from "../../base/prng.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { Outage, OutageRates } from "./serving-input.ts";

/** Losses of one host at a constant rate, one after the other, from `startNs` on. The same for the same seed on every platform. */
export function outagesOf(replica: number, { meanUpNs, repairNs }: OutageRates, startNs: Nanoseconds, seed: number): () => Outage {
  const prng = seededPrng(seed + replica);
  let upSinceNs = startNs;
  return () => {
    const atNs = upSinceNs + Math.max(1, Math.round(-ln(1 - prng.nextFloat()) * meanUpNs));
    upSinceNs = atNs + Math.max(1, repairNs);
    return { replica, atNs, untilNs: upSinceNs };
  };
}

export interface OutageDraw extends OutageRates {
  readonly replicas: number;
  /** No host is lost after this. */
  readonly untilNs: Nanoseconds;
  readonly seed: number;
}

/** Losses of hosts, each on its own, in the order of time. */
export function drawOutages({ replicas, untilNs, seed, ...rates }: OutageDraw): Outage[] {
  const outages: Outage[] = [];
  for (let replica = 0; replica < replicas; replica++) {
    const next = outagesOf(replica, rates, 0, seed);
    for (let outage = next(); outage.atNs < untilNs; outage = next()) outages.push(outage);
  }
  return outages.sort((a, b) => a.atNs - b.atNs || a.replica - b.replica);
}
