// Goal: accuracy rows are of predictions that saw nothing of what they are held against, and meet the targets on a public table. Method: the closed form
// against models made without the group, times of a group changed under its own prediction, and A100's tables where the folder of shared data is there.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MADE_UP, madeUpProducts, madeUpTable } from "../../../../test/support/measured-rows.ts";
import { exp } from "../../../base/math.ts";
import { deviceSheet } from "../../../rack/catalog/catalog.ts";
import { readOperatorTable } from "../../import/aiconfigurator/read-operator-table.ts";
import type { MeasuredOperator } from "../../operator/measured-table.ts";
import type { ProductQuery } from "../../operator/operator-query.ts";
import { deviceRates } from "../../operator/tables/device-rates.ts";
import { fitOperatorTable } from "../../operator/tables/operator-table.ts";
import { rowsByTable } from "../../operator/tables/rows-by-table.ts";
import { logAt } from "../../operator/tables/site-curve.ts";
import { foldOf } from "./group-folds.ts";
import { heldOutPoints, prepareTable } from "./held-out-operators.ts";
import { operatorAccuracy } from "./operator-accuracy.ts";

const SHARED = "../shared/data/aiconfigurator-ops/a100_sxm";
const FOLDS = 5;
const RATES = deviceRates(MADE_UP);
const [TABLE] = rowsByTable(madeUpProducts(0.03));
const groupOf = (row: MeasuredOperator): string => `${(row.query as ProductQuery).n} ${(row.query as ProductQuery).k}`;

describe("operators held out", () => {
  it("are predicted as by a model made without their fold", () => {
    const fold = 3;
    const isDropped = (row: MeasuredOperator): boolean => foldOf("product", groupOf(row), FOLDS) === fold;
    const rest = fitOperatorTable(
      TABLE!.family,
      TABLE!.rows.filter((row) => !isDropped(row)),
      RATES,
    );
    const points = heldOutPoints(prepareTable(TABLE!, RATES), { folds: FOLDS });
    let compared = 0;
    for (const row of TABLE!.rows.filter(isDropped)) {
      const rough = TABLE!.family.baseNs(row.query, RATES);
      const point = points.find(({ measured }) => Math.abs(measured / (row.ns / rough) - 1) < 1e-9);
      const direct = exp(logAt(rest.curveOf(row.query)!, TABLE!.family.axis(row.query)));
      expect(point!.predicted / direct).toBeCloseTo(1, 9);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(20);
  });

  it("do not know their own times", () => {
    const group = groupOf(TABLE!.rows[100]!);
    const changed = TABLE!.rows.map((row) => (groupOf(row) === group ? { ...row, ns: row.ns * 3 } : row));
    const before = heldOutPoints(prepareTable(TABLE!, RATES), { folds: FOLDS });
    const after = heldOutPoints(prepareTable({ ...TABLE!, rows: changed }, RATES), { folds: FOLDS });
    const own = after.flatMap((point, i) => (Math.abs(point.measured / before[i]!.measured - 3) < 1e-6 ? [i] : []));
    expect(own.length).toBeGreaterThan(3);
    for (const i of own) {
      expect(after[i]!.predicted).toBeCloseTo(before[i]!.predicted, 9);
      expect(after[i]!.spread).toBeCloseTo(before[i]!.spread!, 9);
    }
    // Others did see them.
    expect(after.some((point, i) => !own.includes(i) && Math.abs(point.predicted - before[i]!.predicted) > 1e-6)).toBe(true);
  });

  it("name what was left out, and tables that cannot leave anything out", () => {
    const lone: MeasuredOperator = { query: { op: "product", m: 8, n: 64, k: 64, type: "f8e4m3" }, ns: 5000, row: 999 };
    const rows = [...madeUpProducts(), { ...madeUpProducts()[0]!, row: 1000 }, lone];
    const found = operatorAccuracy({ dataSet: "made up", sheet: MADE_UP, engine: "none 1.0", tables: [madeUpTable(rows)] });
    const [bf16, f8] = found.filter(({ protocol }) => protocol.startsWith("whole (n, k)"));
    expect(bf16).toMatchObject({ family: "product bf16", device: "made-up", points: 343, excluded: { copy: 1 } });
    expect(bf16!.medianError).toBeLessThan(0.02);
    expect(f8).toMatchObject({ family: "product f8e4m3", points: 0, excluded: { "too few groups": 1 } });
  });

  it.skipIf(!existsSync(SHARED))("meet the targets on A100's public tables", async () => {
    const files = [
      "gemm/vllm/0.14.0/gemm_perf.parquet",
      "attention/vllm/0.14.0/context_attention_perf.parquet",
      "attention/vllm/0.14.0/generation_attention_perf.parquet",
      "moe/vllm/0.14.0/moe_perf.parquet",
    ];
    const tables = await Promise.all(files.map((file) => readOperatorTable(readFileSync(`${SHARED}/${file}`), file)));
    const rows = operatorAccuracy({ dataSet: "aiconfigurator-ops", sheet: deviceSheet("a100"), engine: "vLLM 0.14.0", tables });
    const main = rows.filter(({ family }) => !family.includes(","));
    expect(main.map(({ family }) => family)).toEqual(["product bf16", "prefill-attention", "decode-attention", "experts"]);
    for (const { family, medianError, p90, coverage, medianHalfWidth } of main) {
      expect(medianError, family).toBeLessThan(family === "product bf16" ? 0.05 : 0.06);
      if (family === "product bf16") expect(p90).toBeLessThan(0.16);
      expect(coverage, family).toBeGreaterThan(0.85);
      expect(coverage, family).toBeLessThan(0.95);
      expect(medianHalfWidth! / medianError, family).toBeLessThan(3.5);
    }
  });
});
