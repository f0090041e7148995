import { ln } from "../../base/math.ts";
import { seededPrng } from "../../base/prng.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { Outage } from "./serving-input.ts";

export interface OutageRates {
  readonly replicas: number;
  /** Mean time a host serves before it is lost, and from then until a new one serves. */
  readonly meanUpNs: Nanoseconds;
  readonly repairNs: Nanoseconds;
  /** No host is lost after this. */
  readonly untilNs: Nanoseconds;
  readonly seed: number;
}

/** Losses of hosts at a constant rate, each on its own. The same list for the same seed on every platform. */
export function drawOutages({ replicas, meanUpNs, repairNs, untilNs, seed }: OutageRates): Outage[] {
  const outages: Outage[] = [];
  for (let replica = 0; replica < replicas; replica++) {
    const prng = seededPrng(seed + replica);
    const upNs = (): number => Math.max(1, Math.round(-ln(1 - prng.nextFloat()) * meanUpNs));
    for (let atNs = upNs(); atNs < untilNs; atNs += repairNs + upNs())
      outages.push({ replica, atNs, untilNs: atNs + Math.max(1, repairNs) });
  }
  return outages.sort((a, b) => a.atNs - b.atNs || a.replica - b.replica);
}
