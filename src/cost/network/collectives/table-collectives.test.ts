import { describe, expect, it } from "vitest";
import type { MeasuredOperator, MeasuredTable } from "../../operator/measured-table.ts";
import { curveNs } from "./collective-curve.ts";
import { collectiveModel } from "./collective-model.ts";
import { firstBasis } from "./first-basis.ts";
import { fitCurve } from "./fit-curve.ts";
import { startCurve } from "./start-curves.ts";
import { tableCollectives } from "./table-collectives.ts";

/** A library whose true constants are off the start by up to a factor of 2. */
const TRUE = startCurve("nccl", "all-reduce", false).map((line, i) => ({
  ...line,
  baseNs: line.baseNs * (1.5 - 0.2 * i),
  share: line.share * (0.8 + 0.1 * i),
}));
const LINK = 450;

function tableOf(ranks: readonly number[], octaves: readonly number[], bend = 1): MeasuredTable {
  const rows: MeasuredOperator[] = [];
  for (const count of ranks) {
    for (const octave of octaves) {
      const query = { op: "collective", kind: "all-reduce", bytes: 2 ** octave, ranks: count, ranksPerNode: count } as const;
      rows.push({ query, ns: curveNs(TRUE, LINK, query) * (octave > 20 ? bend : 1), row: rows.length + 1 });
    }
  }
  return { file: "made.parquet", device: "made", engine: "made", rows, skipped: {} };
}

const OPTIONS = { source: "made", library: "nccl", linkBytesPerSecond: LINK * 1e9, reducesInSwitch: false } as const;
const OCTAVES = Array.from({ length: 20 }, (_, i) => 9 + i);

function price(table: MeasuredTable, bytes: number, ranks: number) {
  const priced = tableCollectives([table], OPTIONS).price({ op: "collective", kind: "all-reduce", bytes, ranks, ranksPerNode: ranks });
  if (!priced.ok) throw priced.error;
  return priced.value;
}

describe("collectives from measured tables", () => {
  it("a fit finds the constants the samples were made with", () => {
    const samples = tableOf([2, 4, 8], OCTAVES).rows.map(({ query, ns }) => ({
      ...(query as { kind: "all-reduce"; bytes: number; ranks: number }),
      ns,
    }));
    const fitted = fitCurve([{ samples, linkRate: LINK }], startCurve("nccl", "all-reduce", false));
    for (const sample of samples) expect(curveNs(fitted, LINK, sample) / sample.ns).toBeGreaterThan(0.93);
    for (const sample of samples) expect(curveNs(fitted, LINK, sample) / sample.ns).toBeLessThan(1.07);
  });

  it("samples are met exactly, what lies between and beside nearly, and each says where it lies", () => {
    const table = tableOf([2, 8], OCTAVES, 1.3);
    const at = (bytes: number, ranks: number) => ({
      point: { kind: "all-reduce" as const, bytes, ranks },
      priced: price(table, bytes, ranks),
    });
    const sample = at(2 ** 24, 8);
    expect(sample.priced.ns).toBeCloseTo(curveNs(TRUE, LINK, sample.point) * 1.3, 3);
    expect(sample.priced.basis).toBe("measured");
    const between = at(3 * 2 ** 23, 8);
    expect(between.priced.ns / (1.3 * curveNs(TRUE, LINK, between.point))).toBeCloseTo(1, 1);
    expect(between.priced.basis).toBe("interpolated");
    const beside = at(2 ** 24, 4);
    expect(beside.priced.ns / (1.3 * curveNs(TRUE, LINK, beside.point))).toBeCloseTo(1, 1);
    expect(beside.priced.basis).toBe("interpolated");
    const beyond = at(2 ** 31, 8);
    expect(beyond.priced.ns / (1.3 * curveNs(TRUE, LINK, beyond.point))).toBeCloseTo(1, 1);
    expect(beyond.priced.spread).toBeGreaterThan(between.priced.spread);
  });

  it("a sample far slower than a larger one is noise, one within the jitter is not", () => {
    const table = tableOf([2, 4, 8], OCTAVES);
    const at = (bytes: number, factor: number): number => {
      const rows = table.rows.map((row) =>
        row.query.op === "collective" && row.query.ranks === 8 && row.query.bytes === 2048 ? { ...row, ns: row.ns * factor } : row,
      );
      return price({ ...table, rows }, bytes, 8).ns;
    };
    expect(at(2048, 3)).toBeCloseTo(at(4096, 1), 3);
    expect(at(2048, 1.05) / at(2048, 1)).toBeCloseTo(1.05, 3);
  });

  it("what tables lack is priced by the next model, with its reason where none can", () => {
    const figures = { name: "made", scaleUp: { bytesPerSecond: LINK * 1e9, devices: 8, reducesInSwitch: false }, library: "nccl" } as const;
    const both = firstBasis(tableCollectives([tableOf([2, 8], OCTAVES)], OPTIONS), collectiveModel(figures));
    const query = { op: "collective", bytes: 2 ** 20, ranks: 8, ranksPerNode: 8 } as const;
    expect(both.price({ ...query, kind: "all-reduce" })).toMatchObject({ ok: true, value: { basis: "measured" } });
    expect(both.price({ ...query, kind: "all-gather" })).toMatchObject({ ok: true, value: { basis: "data-sheet" } });
    expect(both.price({ ...query, kind: "all-gather", ranks: 16 })).toMatchObject({
      ok: false,
      error: { missing: "the network between nodes of made" },
    });
    expect(tableCollectives([], OPTIONS).price({ ...query, kind: "all-reduce" }).ok).toBe(false);
  });

  it("eager launches and int8 are left out unless asked for", () => {
    const table = tableOf([2, 4, 8], OCTAVES);
    const slow = table.rows.map((row) => ({ ...row, ns: row.ns * 3, variant: "vllm_eager bfloat16" }));
    const mixed = { ...table, rows: [...table.rows.map((row) => ({ ...row, variant: "vllm_graph bfloat16" })), ...slow] };
    expect(price(mixed, 2 ** 20, 8).ns).toBeCloseTo(price(table, 2 ** 20, 8).ns, 6);
  });
});
