import { exp, log2 } from "../../src/base/math.ts";
import type { MeasuredOperator, MeasuredTable } from "../../src/cost/operator/measured-table.ts";
import type { ProductQuery } from "../../src/cost/operator/operator-query.ts";
import { productWork } from "../../src/cost/operator/operator-work.ts";
import type { DeviceSheet } from "../../src/rack/catalog/device-sheet.ts";

const figure = (value: number) => ({ value, basis: "derived" as const, source: "made up for tests" });

/** A device that does not exist: 100 T operations and 1 TB a second, 40 MB of cache. */
export const MADE_UP: DeviceSheet = {
  id: "made-up",
  name: "Made up",
  vendor: "nobody",
  kind: "gpu",
  peaks: { bf16: figure(100e12), f8e4m3: figure(200e12) },
  memory: { capacityBytes: figure(80e9), bandwidthBytesPerSecond: figure(1e12) },
  cores: { count: figure(100) },
  cache: { bytes: figure(40e6) },
};

/** Time of a product on that device, with a smooth loss that is larger for narrow ones. Units: ns. */
export function madeUpNs(query: ProductQuery): number {
  const { ops, bytes } = productWork(query);
  const loss = 0.4 * exp(-log2(query.n) / 8) + 0.2 * exp(-log2(query.k) / 10);
  return 4000 + Math.max(ops / 100_000, bytes / 1000) * (1.2 + loss);
}

/** Products of that device on a grid of powers of 2, with an error of `noise` that alternates. */
export function madeUpProducts(noise = 0): MeasuredOperator[] {
  const rows: MeasuredOperator[] = [];
  for (let n = 256; n <= 16384; n *= 2) {
    for (let k = 256; k <= 16384; k *= 2) {
      for (let m = 1; m <= 4096; m *= 4) {
        const query: ProductQuery = { op: "product", m, n, k, type: "bf16" };
        rows.push({ query, ns: madeUpNs(query) * (1 + noise * (rows.length % 2 === 0 ? 1 : -1)), row: rows.length + 1 });
      }
    }
  }
  return rows;
}

export function madeUpTable(rows: readonly MeasuredOperator[]): MeasuredTable {
  return { file: "made-up.parquet", device: "Made up", engine: "none 1.0", rows, skipped: {} };
}
