/** How much CPU time commands take to start: help, a list, one short simulation; against Node alone. */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { quantile } from "../src/base/statistics.ts";
import type { Bench, BenchReport, Figure } from "./bench.ts";

const ROUNDS = 9;
const US_PER_MS = 1000;
const MAIN = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
/** A child tells its own user and system time, all threads, as it ends. */
const TELL =
  'import { writeSync } from "node:fs"; process.on("exit", () => { const { user, system } = process.cpuUsage(); writeSync(3, String(user + system)); });';
const PRELOAD = `data:text/javascript,${encodeURIComponent(TELL)}`;
const LOAD = "poisson:rate=4,prompt=200-2000,output=50-400,seconds=10";

/** Words after `heddle`; undefined for Node alone. The ceilings leave room for a machine twice as slow as the one they were set on. */
const CASES: readonly { readonly name: string; readonly words?: readonly string[]; readonly max?: number }[] = [
  { name: "node alone" },
  { name: "heddle --help", words: ["--help"], max: 400 },
  { name: "heddle simulate --help", words: ["simulate", "--help"], max: 300 },
  { name: "heddle plan --help", words: ["plan", "--help"], max: 300 },
  { name: "heddle rack catalog --json", words: ["rack", "catalog", "--json"], max: 600 },
  { name: "heddle validate", words: ["validate"], max: 600 },
  {
    name: "heddle simulate, one run of 10 s",
    words: ["simulate", "examples/deployments/llama-8b-l40s.yaml", "--runs", "1", "--workload", LOAD],
    max: 1500,
  },
  { name: "heddle", words: [] },
];

/** CPU time of one start, in ms. Rounds go through all cases, so that a busy spell of the machine meets each. */
function startMs(words: readonly string[] | undefined): number {
  const program = words === undefined ? ["-e", "0"] : [MAIN, ...words];
  const { output, status } = spawnSync(process.execPath, ["--import", PRELOAD, ...program], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  if (status !== 0) throw new TypeError(`heddle ${words?.join(" ")} ended with status ${status}`);
  return Number(String(output[3])) / US_PER_MS;
}

export const bench: Bench = {
  name: "cli-start",
  run: async ({ note }): Promise<BenchReport> => {
    const times = CASES.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round++) {
      note(`round ${round + 1} of ${ROUNDS}`);
      for (const [index, { words }] of CASES.entries()) times[index]!.push(startMs(words));
    }
    const figures = CASES.map(({ name, max }, index): Figure => {
      return { name, value: quantile(times[index]!, 0.5), unit: "ms of CPU", ...(max === undefined ? {} : { floor: { max } }) };
    });
    return { setup: [`user and system time of a start, median of ${ROUNDS}; Node ${process.version}`], figures };
  },
};
