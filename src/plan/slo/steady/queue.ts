import { ln } from "../../../base/math.ts";

/** Service times of a queue with one server. Units: ns, ns². */
export interface Service {
  readonly meanNs: number;
  readonly meanSquareNs: number;
}

/** Share of time the server is busy. */
export function busyShare(ratePerNs: number, { meanNs }: Service): number {
  return ratePerNs * meanNs;
}

/**
 * Mean wait of a queue with Poisson arrivals and one server; infinite where it cannot keep up.
 *
 * Source: Pollaczek-Khinchine.
 */
export function meanWaitNs(ratePerNs: number, service: Service): number {
  const busy = busyShare(ratePerNs, service);
  return busy >= 1 ? Number.POSITIVE_INFINITY : (ratePerNs * service.meanSquareNs) / (2 * (1 - busy));
}

/**
 * Wait that the share `share` of arrivals stays below.
 *
 * Model: an exponential tail with the right mean: who waits (the busy share) waits as if served by a queue with exponential times. Exact for those.
 */
export function waitQuantileNs(ratePerNs: number, service: Service, share: number): number {
  const busy = busyShare(ratePerNs, service);
  if (busy >= 1) return Number.POSITIVE_INFINITY;
  const later = 1 - share;
  if (busy <= later) return 0;
  return (meanWaitNs(ratePerNs, service) / busy) * ln(busy / later);
}
