/** Workloads of a million requests: what making and reading them costs, in CPU time. */

import { requestColumns } from "../src/simulate/workload/columns/request-columns.ts";
import { scaleColumns } from "../src/simulate/workload/columns/scale-columns.ts";
import { generateColumns } from "../src/simulate/workload/generate/generate-columns.ts";
import { readWorkload } from "../src/simulate/workload/read-workload.ts";
import type { Bench, BenchReport } from "./bench.ts";

const ROWS = 1_000_000;
const GENERATED: Readonly<Record<string, string>> = {
  "Poisson, uniform lengths": "poisson:rate=1000,prompt=100-2000,output=50-400,seconds=1000",
  "gamma, lognormal lengths, 64 prefixes":
    "gamma:rate=1000,cv=2,prompt=lognormal:1000:0.8,output=lognormal:200:1,seconds=1000,prefix=64x2048",
};

export const bench: Bench = {
  name: "workload",
  run: async ({ note }): Promise<BenchReport> => {
    const figures = Object.entries(GENERATED).map(([name, text]) => timed(name, () => generateColumns(text).count));
    const columns = generateColumns(GENERATED["Poisson, uniform lengths"]!);
    figures.push(timed("scaled", () => scaleColumns(columns, { rate: 2, prompt: 1.5, output: 1 }).count));
    const csv = new TextEncoder().encode(
      `Timestamp,Request tokens,Response tokens\n${Array.from({ length: ROWS }, (_, i) => `${i / 100},900,40`).join("\n")}\n`,
    );
    figures.push(timed("BurstGPT CSV to columns", () => requestColumns(readWorkload(csv)).count));
    for (const { name, value } of figures) note(`${name}: ${value.toFixed(0)} ns of CPU a request`);
    return { setup: [`${ROWS} requests`], figures };
  },
};

function timed(name: string, make: () => number): { name: string; unit: string; value: number } {
  const before = process.cpuUsage();
  const count = make();
  const { user, system } = process.cpuUsage(before);
  return { name, unit: "ns of CPU a request", value: ((user + system) * 1000) / count };
}
