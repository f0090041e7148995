// Goal: rows that a device cannot have produced are left out and counted, and only these. Method: rows on both sides of each bound, and the public tables
// where the folder of shared data is there.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MADE_UP, madeUpProducts, madeUpTable } from "../../../test/support/measured-rows.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { readOperatorTable } from "../import/aiconfigurator/read-operator-table.ts";
import type { MeasuredOperator } from "./measured-table.ts";
import type { OperatorQuery } from "./operator-query.ts";
import { plausibleRows } from "./plausible-rows.ts";

const SHARED = "../shared/data/aiconfigurator-ops";
const HEADS = { batch: 1, heads: 32, kvHeads: 32, headDim: 128, type: "bf16", kvType: "bf16" } as const;

function faultOf(query: OperatorQuery, ns: number): string {
  return plausibleRows(madeUpTable([{ query, ns, row: 1 }]), MADE_UP).rejected[0]?.fault ?? "none";
}

describe("plausibility of measured rows", () => {
  it("counts causal attention, and only what a window lets through", () => {
    // 4 x 32 x 128 x 8192 x 8193 / 2 operations at 100 T a second: 5.50 ms.
    const full = { op: "prefill-attention", ...HEADS, tokens: 8192, context: 0, window: 0 } as const;
    expect(faultOf(full, 4.3e6)).toBe("faster-than-peak");
    expect(faultOf(full, 4.5e6)).toBe("none");
    expect(faultOf({ ...full, window: 128 }, 0.5e6)).toBe("none");
    // The window's keys alone take 0.17 ms.
    expect(faultOf({ ...full, window: 128 }, 0.13e6)).toBe("faster-than-peak");
    expect(faultOf({ ...full, context: 8192 }, 12e6)).toBe("faster-than-peak");
  });

  it("asks for the memory's rate only above twice the cache", () => {
    // Keys and values of 8,192 tokens: 134 MB, 134 us at 1 TB/s. Of 2,048: 34 MB, which the cache holds.
    const decode = { op: "decode-attention", ...HEADS, window: 0 } as const;
    expect(faultOf({ ...decode, context: 8192 }, 90_000)).toBe("faster-than-memory");
    expect(faultOf({ ...decode, context: 8192 }, 120_000)).toBe("none");
    expect(faultOf({ ...decode, context: 2048 }, 10_000)).toBe("none");
  });

  it("drops copies, keeps repeats and other implementations", () => {
    const query = { op: "stream", bytes: 100 } as const;
    const rows: MeasuredOperator[] = [
      { query, ns: 5, row: 1 },
      { query, ns: 5, row: 2 },
      { query, ns: 6, row: 3 },
      { query, ns: 5, row: 4, variant: "graph" },
      { query, ns: 0, row: 5 },
    ];
    const { table, rejected, counts } = plausibleRows(madeUpTable(rows), MADE_UP);
    expect(table.rows.map(({ row }) => row)).toEqual([1, 3, 4]);
    expect(rejected.map(({ row, fault }) => [row, fault])).toEqual([
      [2, "copy"],
      [5, "no-time"],
    ]);
    expect(counts).toMatchObject({ copy: 1, "no-time": 1 });
  });

  it("leaves a table alone that its device can have produced", () => {
    expect(plausibleRows(madeUpTable(madeUpProducts()), MADE_UP).rejected).toEqual([]);
  });

  // The folder's README counts 9,361 rows of H200 with isl^2 / 2 pairs of query and key; a causal mask leaves isl x (isl + 1) / 2.
  it.skipIf(!existsSync(SHARED))("finds the impossible prefills of H200, and none of A100 and B200", async () => {
    const counts = async (system: string, version: string, device: string) => {
      const path = `${SHARED}/${system}/attention/vllm/${version}/context_attention_perf.parquet`;
      return plausibleRows(await readOperatorTable(readFileSync(path), path), deviceSheet(device)).counts;
    };
    const h200 = await counts("h200_sxm", "0.19.0", "h200");
    expect(h200["faster-than-peak"]).toBe(9355);
    expect(await counts("b200_sxm", "0.19.0", "b200")).toMatchObject({ "faster-than-peak": 0, "faster-than-memory": 0 });
    expect(await counts("a100_sxm", "0.14.0", "a100")).toMatchObject({ "faster-than-peak": 0, "faster-than-memory": 0 });
  });
});
