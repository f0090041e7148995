import { CROSSING_DISPATCH, LOCAL_DISPATCH } from "./fitted-dispatch.ts";
import { RATE_SHARE } from "./rate-share.ts";

/**
 * Rate of an all-to-all as DeepEP quotes it between nodes: bytes to all other ranks over the time that cards need for those of other nodes.
 *
 * Model: card rate x (n - 1) / ((N - 1) x g) for n ranks on N nodes of g. Units: those of `cardRate`, as sold. Source: as aliyun/SimAI@cef83f9 calbusbw.
 */
export function logicalCardRate(cardRate: number, ranks: number, ranksPerNode: number): number {
  return (cardRate * CROSSING_DISPATCH.normal.dispatch.cardShare * (ranks - 1)) / (ranks - ranksPerNode);
}

/** Rate of copies inside a node: links as a whole, or as many cores as copy. Units: bytes/ns, `linkRate` as sold. */
export function linkRateOfCores(linkRate: number, cores: number, generation: "hopper" | "blackwell"): number {
  const most = linkRate * RATE_SHARE.nvlink;
  const byCores = cores * LOCAL_DISPATCH[generation].normal.dispatch.partRate;
  return 1 / Math.sqrt(Math.sqrt(1 / (most * most * most * most) + 1 / (byCores * byCores * byCores * byCores)));
}
