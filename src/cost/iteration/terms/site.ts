import type { CollectiveKind, CollectiveQuery, ProductQuery, StreamQuery } from "../../operator/operator-query.ts";
import type { Cut, Formats } from "../cut.ts";

/** What the terms of a block need besides the block. */
export interface Site {
  readonly width: number;
  readonly cut: Cut;
  readonly formats: Formats;
  /** Devices of a node or scale-up domain. */
  readonly perNode: number;
  /** Tokens a decoding sequence computes in an iteration: 1 and what is drafted for it. */
  readonly perDecode: number;
  readonly load: "balanced" | { readonly powerLaw: number };
}

/** Activations between operators are kept in 16 bits. */
export const STREAM_BYTES = 2;

export function product(site: Site, m: number, n: number, k: number): ProductQuery {
  const type = site.formats.weights;
  return { op: "product", m, n, k, type, ...(site.formats.blockScaled && { blockScaled: true }) };
}

export function stream(bytes: number): StreamQuery {
  return { op: "stream", bytes };
}

/** A collective among `ranks` neighbouring devices; ranks fill nodes one after the other. */
export function collective(site: Pick<Site, "perNode">, kind: CollectiveKind, ranks: number, bytes: number): CollectiveQuery {
  return { op: "collective", kind, bytes, ranks, ranksPerNode: ranksInNode(ranks, site.perNode) };
}

/** The largest divisor of `ranks` that a node holds. */
export function ranksInNode(ranks: number, perNode: number): number {
  if (ranks <= perNode) return ranks;
  let most = 1;
  for (let divisor = 1; divisor <= perNode; divisor++) if (ranks % divisor === 0) most = divisor;
  return most;
}
