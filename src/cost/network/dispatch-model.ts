import { log2 } from "../../base/math.ts";
import type { DispatchQuery } from "../operator/operator-query.ts";
import { remoteUnits, tokenBytes } from "./dispatch-traffic.ts";
import { RATE_SHARE } from "./rate-share.ts";

/** Cores beyond which normal mode gains nothing. Source: DeepEP's default of 20 and the largest of its tuning range, 24. */
export const CORES_MOST = 24;

/** Inside one node. Units: ns; rates bytes/ns. */
export interface LocalConstants {
  readonly baseNs: number;
  /** For each 1,000 elements of a token's width. */
  readonly widthNs: number;
  /** For each 100 experts (low latency). */
  readonly expertNs: number;
  /** Rate of one core (normal), of one expert's share of cores (low latency). */
  readonly partRate: number;
  /** Rate of all, of copies with what they cost beside their values, over the links' data-sheet rate: may lie above 1. */
  readonly linkShare: number;
  /** Bytes that a copy costs beside its values, and reads of a token's values beside its copies. */
  readonly copyBytes: number;
  readonly reads: number;
}

/** Between nodes: more latency, each rank's copies through its cores and, from the device of a node that a card brings them to, over links; each node's through its card. */
export interface CrossingConstants {
  readonly baseNs: number;
  /** For each doubling of nodes after 2. */
  readonly doublingNs: number;
  /** Rate of one core for copies to ranks (normal). */
  readonly partRate: number;
  readonly cardShare: number;
}

/** Rates of the links, data sheet. Units: bytes/ns. */
export interface DispatchRates {
  readonly link: number;
  readonly card: number;
  /** `card` is what the slowest device's card was measured to move: no share is taken off. */
  readonly cardMeasured?: boolean;
}

/** Time inside one node. Units: ns. */
export function localDispatchNs(constants: LocalConstants, rates: DispatchRates, query: DispatchQuery): number {
  const { mode, tokens, width, experts, active, ranks } = query;
  const bytes = valueBytes(query);
  const most = constants.linkShare * rates.link;
  const latency = constants.baseNs + (constants.widthNs * width) / 1000 + (constants.expertNs * experts) / 100;
  if (mode === "low-latency") {
    const moved = (tokens * active * (bytes + constants.copyBytes) * (ranks - 1)) / ranks;
    return latency + moved * together(1 / (experts * constants.partRate), 1 / most);
  }
  const copies = remoteUnits(query, ranks);
  const moved = tokens * (copies * (bytes + constants.copyBytes) + constants.reads * bytes);
  return latency + moved * together(1 / (coresOf(query) * constants.partRate), 1 / most);
}

/** Time over several nodes. Units: ns. */
export function crossingDispatchNs(local: LocalConstants, crossing: CrossingConstants, rates: DispatchRates, query: DispatchQuery): number {
  const { mode, tokens, active, ranks, ranksPerNode } = query;
  const nodes = ranks / ranksPerNode;
  const bytes = valueBytes(query);
  const latency = crossing.baseNs + crossing.doublingNs * log2(nodes / 2);
  const card = rates.cardMeasured === true ? rates.card : crossing.cardShare * rates.card;
  if (mode === "low-latency") {
    const all = tokens * active * (bytes + local.copyBytes);
    const inside = (all * (ranksPerNode - 1)) / ranks / (local.linkShare * rates.link);
    return latency + together(inside, (all * (ranks - ranksPerNode)) / ranks / card);
  }
  const copied = tokens * remoteUnits(query, ranks) * bytes;
  const byCores = copied / (coresOf(query) * crossing.partRate);
  const byLinks = (copied * (ranksPerNode - 1)) / ranksPerNode / (RATE_SHARE.nvlink * rates.link);
  return latency + together(together(byCores, byLinks), (tokens * remoteUnits(query, nodes) * bytes) / card);
}

function valueBytes({ direction, width, bits = direction === "dispatch" ? 8 : 16 }: DispatchQuery): number {
  return tokenBytes(width, bits);
}

function coresOf({ cores = CORES_MOST }: DispatchQuery): number {
  return Math.min(CORES_MOST, cores);
}

/** Two limits that both hold: near each other they add up a little (fourth powers). */
function together(a: number, b: number): number {
  return Math.sqrt(Math.sqrt(a * a * a * a + b * b * b * b));
}
