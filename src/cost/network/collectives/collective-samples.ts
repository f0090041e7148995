import type { MeasuredTable } from "../../operator/measured-table.ts";
import type { CollectiveKind } from "../../operator/operator-query.ts";
import type { CurveSample } from "./fit-curve.ts";

/** Measured times of one collective by one implementation: the median where a point was measured more than once. */
export interface CollectiveSamples {
  readonly kind: CollectiveKind;
  /** As the table tells implementations and element types apart, such as `vllm_graph bfloat16`. */
  readonly variant: string;
  /** By ranks, then by bytes. */
  readonly samples: readonly CurveSample[];
}

/** Collectives inside one node of a table, one entry a kind and variant, in the order in which they first occur. Times of 0 or less are left out. */
export function collectiveSamples(tables: readonly MeasuredTable[]): CollectiveSamples[] {
  const groups = new Map<string, { kind: CollectiveKind; variant: string; times: Map<string, { point: CurveSample; ns: number[] }> }>();
  for (const { rows } of tables) {
    for (const { query, ns, variant = "" } of rows) {
      if (query.op !== "collective" || query.ranks !== query.ranksPerNode || query.ranks < 2 || !(ns > 0)) continue;
      const { kind, bytes, ranks } = query;
      const name = `${kind} ${variant}`;
      const group = groups.get(name) ?? { kind, variant, times: new Map() };
      groups.set(name, group);
      const key = `${ranks} ${bytes}`;
      const times = group.times.get(key) ?? { point: { kind, bytes, ranks, ns }, ns: [] };
      group.times.set(key, times);
      times.ns.push(ns);
    }
  }
  return [...groups.values()].map(({ kind, variant, times }) => ({
    kind,
    variant,
    samples: [...times.values()]
      .map(({ point, ns }) => ({ ...point, ns: median(ns) }))
      .sort((a, b) => a.ranks - b.ranks || a.bytes - b.bytes),
  }));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
