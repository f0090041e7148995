/** Operators from measured tables: how far off shapes are that a fit did not see, what the intervals hold, and what a price costs. */
import { existsSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { assert } from "../src/base/assert.ts";
import type { AccuracyRow } from "../src/cost/accuracy/accuracy-row.ts";
import { operatorAccuracy } from "../src/cost/accuracy/operators/operator-accuracy.ts";
import { readOperatorTable } from "../src/cost/import/aiconfigurator/read-operator-table.ts";
import type { MeasuredTable } from "../src/cost/operator/measured-table.ts";
import type { OperatorQuery } from "../src/cost/operator/operator-query.ts";
import { tableOperatorModel } from "../src/cost/operator/tables/table-operator-model.ts";
import { deviceSheet } from "../src/rack/catalog/catalog.ts";
import type { Bench, BenchReport, Figure } from "./bench.ts";

const DATA = "../shared/data/aiconfigurator-ops";
const SYSTEMS = [
  ["a100_sxm", "a100-sxm", "0.14.0"],
  ["h100_sxm", "h100-sxm", "0.19.0"],
  ["h200_sxm", "h200-sxm", "0.19.0"],
  ["b200_sxm", "b200-sxm", "0.19.0"],
] as const;
const TABLES = [
  "gemm/vllm/VERSION/gemm_perf",
  "attention/vllm/VERSION/context_attention_perf",
  "attention/vllm/VERSION/generation_attention_perf",
  "moe/vllm/VERSION/moe_perf",
  "mla/vllm/VERSION/mla_context_module_perf",
  "mla/vllm/VERSION/mla_generation_module_perf",
];
/** What the main protocols shall keep. Ratios; the last is half-width over median error. */
const PRODUCT_MEDIAN_MAX = 0.05;
const PRODUCT_P90_MAX = 0.16;
const OTHER_MEDIAN_MAX = 0.06;
const COVERAGE = { min: 0.85, max: 0.95 };
const WIDTH_MAX = 3.5;
/** CPU time of the whole evaluation. Units: s. */
const SECONDS_MAX = 60;
const PRICES = 200_000;
const PRICE_US_MAX = 5;
const US_PER_MS = 1000;

export const bench: Bench = {
  name: "operators",
  run: async ({ note }): Promise<BenchReport> => {
    const folder = process.env["HEDDLE_OPERATOR_DATA"] ?? DATA;
    if (!existsSync(folder)) return { setup: [`left out: no data in ${folder} (HEDDLE_OPERATOR_DATA names another folder)`], figures: [] };
    const before = process.cpuUsage();
    const figures: Figure[] = [];
    let tables: MeasuredTable[] = [];
    for (const [system, device, version] of SYSTEMS) {
      const files = TABLES.map((table) => `${folder}/${system}/${table.replace("VERSION", version)}.parquet`).filter(existsSync);
      tables = await Promise.all(files.map((file) => readOperatorTable(readFileSync(file), file)));
      const rows = operatorAccuracy({ dataSet: "aiconfigurator-ops", sheet: deviceSheet(device), engine: `vLLM ${version}`, tables });
      for (const row of rows) {
        note(rowText(row));
        if (!row.family.includes("not measured")) figures.push(...figuresOf(row));
      }
    }
    const used = process.cpuUsage(before);
    figures.push({ name: "whole evaluation", value: (used.user + used.system) / 1e6, unit: "s of CPU", floor: { max: SECONDS_MAX } });
    figures.push(priceFigure(tables));
    return { setup: [`${folder}: every point predicted by a fit that saw nothing of its group`], figures };
  },
};

function rowText({
  device,
  family,
  points,
  excluded,
  meanError,
  medianError,
  p90,
  signedMean,
  coverage,
  medianHalfWidth,
}: AccuracyRow): string {
  const percent = (ratio = Number.NaN): string => `${(100 * ratio).toFixed(1)} %`;
  const left = Object.entries(excluded).map(([reason, count]) => `${count} ${reason}`);
  const errors = `mean ${percent(meanError)}, median ${percent(medianError)}, p90 ${percent(p90)}, signed ${percent(signedMean)}`;
  const intervals = `in interval ${percent(coverage)}, half-width ${percent(medianHalfWidth)}`;
  return `${device} ${family}: ${points} points, ${errors}, ${intervals}${left.length === 0 ? "" : ` (left out: ${left.join(", ")})`}`;
}

function figuresOf({ device, family, medianError, p90, coverage, medianHalfWidth }: AccuracyRow): Figure[] {
  const isProduct = family.startsWith("product");
  const name = `${device} ${family}`;
  return [
    { name: `${name}, median`, value: medianError, unit: "ratio", floor: { max: isProduct ? PRODUCT_MEDIAN_MAX : OTHER_MEDIAN_MAX } },
    { name: `${name}, p90`, value: p90, unit: "ratio", ...(isProduct ? { floor: { max: PRODUCT_P90_MAX } } : {}) },
    { name: `${name}, in interval`, value: coverage ?? Number.NaN, unit: "ratio", floor: COVERAGE },
    { name: `${name}, width over error`, value: (medianHalfWidth ?? Number.NaN) / medianError, unit: "ratio", floor: { max: WIDTH_MAX } },
  ];
}

/** Prices of decodes and products in turn, batch and context changing, as a simulation asks for them; the first round warms up. */
function priceFigure(tables: readonly MeasuredTable[]): Figure {
  const model = tableOperatorModel(deviceSheet("b200-sxm"), tables);
  const queryAt = (i: number): OperatorQuery =>
    i % 2 === 0
      ? { op: "product", m: 1 + (i % 4096), n: 6144, k: 4096, type: "bf16" }
      : {
          op: "decode-attention",
          batch: 1 + (i % 256),
          context: 100 + i / 8,
          heads: 32,
          kvHeads: 8,
          headDim: 128,
          window: 0,
          kvType: "bf16",
        };
  let sum = 0;
  let best = Infinity;
  for (let round = 0; round < 4; round++) {
    const start = performance.now();
    for (let i = 0; i < PRICES; i++) {
      const price = model.price(queryAt(i));
      if (price.ok) sum += price.value.ns;
    }
    if (round > 0) best = Math.min(best, performance.now() - start);
  }
  assert(sum > 0, "nothing was priced");
  return { name: "a price", value: (best * US_PER_MS) / PRICES, unit: "us", floor: { max: PRICE_US_MAX } };
}
