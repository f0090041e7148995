import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { type DispatchTime, readLowLatencyDispatch, readNormalDispatch } from "../src/cost/import/aiconfigurator/read-deepep-table.ts";
import { minimise } from "../src/cost/network/collectives/minimise.ts";
import { isFittedShape, measuredNs, queryOf } from "../src/cost/network/dispatch-fit.ts";
import {
  type CrossingConstants,
  crossingDispatchNs,
  type DispatchRates,
  type LocalConstants,
  localDispatchNs,
} from "../src/cost/network/dispatch-model.ts";
import type { DispatchQuery } from "../src/cost/operator/operator-query.ts";

/** Writes `fitted-dispatch.ts` from public DeepEP tables: `node dist/scripts/fit-dispatch.js ../shared/data/aiconfigurator-ops`. */
const TARGET = "src/cost/network/fitted-dispatch.ts";
const SYSTEMS = { hopper: { folder: "h100_sxm", link: 450 }, blackwell: { folder: "b200_sxm", link: 900 } } as const;
/** Rate of a ConnectX-7 card in bytes/ns. */
const CARD = 50;
/** Rate of an expert's share of the cores where no table bounds it, in bytes/ns: no limit in the tables. */
const EXPERT_RATE = { dispatch: 3, combine: 50 } as const;
/** Not fitted: cards reach 94 % of their rate, and each doubling of nodes waits 30 us longer, 20 of them for the counts (shortest times at 2, 4 and 8 nodes). */
const CARD_SHARE = 0.94;
const DOUBLING_NS = 30_000;
const TRUST_IN_START = 0.0005;

type Direction = DispatchQuery["direction"];
type Mode = DispatchQuery["mode"];

async function main(root: string): Promise<void> {
  const hopper = await localOf(root, "hopper");
  const local = { hopper, blackwell: await localOf(root, "blackwell") };
  const crossing = await eachMode(async (mode) => {
    const rows = await read(root, "h100_sxm/comm/sglang/0.5.6.post2", mode);
    return eachDirection((direction) => fitCrossing(rows, mode, direction, hopper[mode][direction]));
  });
  writeFileSync(
    TARGET,
    `import type { DispatchQuery } from "../operator/operator-query.ts";
import type { CrossingConstants, LocalConstants } from "./dispatch-model.ts";

type Mode = DispatchQuery["mode"];
type Direction = DispatchQuery["direction"];

/**
 * Constants of DeepEP inside a node, by generation.
 *
 * Source: fitted by scripts/fit-dispatch.ts on ai-dynamo/aiconfigurator@095f58a (Apache-2.0), comm/sglang/0.5.12 of H100 and B200 SXM, on four of 18
 * shapes (isFittedShape).
 */
export const LOCAL_DISPATCH: Readonly<Record<"hopper" | "blackwell", Readonly<Record<Mode, Readonly<Record<Direction, LocalConstants>>>>>> = ${JSON.stringify(local)};

/**
 * Constants of DeepEP between nodes of 8 H100 with 8 cards of 50 GB/s.
 *
 * Source: as above, comm/sglang/0.5.6.post2: normal mode fitted on 2 nodes, low latency on 2 and 4.
 */
export const CROSSING_DISPATCH: Readonly<Record<Mode, Readonly<Record<Direction, CrossingConstants>>>> = ${JSON.stringify(crossing)};
`,
  );
  execFileSync("node_modules/.bin/biome", ["check", "--write", TARGET], { stdio: "inherit" });
}

async function localOf(root: string, generation: keyof typeof SYSTEMS): Promise<Record<Mode, Record<Direction, LocalConstants>>> {
  const { folder, link } = SYSTEMS[generation];
  return eachMode(async (mode) => {
    const rows = (await read(root, `${folder}/comm/sglang/0.5.12`, mode)).filter((row) => isFittedShape(row));
    return eachDirection((direction) => fitLocal(rows, mode, direction, { link, card: CARD }));
  });
}

async function eachMode<T>(of: (mode: Mode) => Promise<T>): Promise<Record<Mode, T>> {
  return { normal: await of("normal"), "low-latency": await of("low-latency") };
}

function eachDirection<T>(of: (direction: Direction) => T): Record<Direction, T> {
  return { dispatch: of("dispatch"), combine: of("combine") };
}

async function read(root: string, folder: string, mode: Mode): Promise<DispatchTime[]> {
  const path = `${folder}/wideep_deepep_${mode === "normal" ? "normal" : "ll"}_perf.parquet`;
  const bytes = readFileSync(`${root}/${path}`);
  return mode === "normal" ? readNormalDispatch(bytes, path) : readLowLatencyDispatch(bytes, path);
}

function fitLocal(rows: readonly DispatchTime[], mode: Mode, direction: Direction, rates: DispatchRates): LocalConstants {
  const normal = mode === "normal";
  return fitted([20_000, 1000, 20, 0.8, 500, normal ? 0.5 : 1500], rows, direction, (x) => {
    const constants: LocalConstants = {
      baseNs: digits(x[0]!),
      widthNs: digits(x[1]!),
      partRate: normal ? digits(x[2]!) : EXPERT_RATE[direction],
      linkShare: digits(x[3]!),
      copyBytes: digits(x[4]!),
      expertNs: normal ? 0 : digits(x[5]!),
      reads: normal ? digits(x[5]!) : 0,
    };
    return { constants, timeNs: (query: DispatchQuery) => localDispatchNs(constants, rates, query) };
  });
}

function fitCrossing(rows: readonly DispatchTime[], mode: Mode, direction: Direction, local: LocalConstants): CrossingConstants {
  const normal = mode === "normal";
  const used = rows.filter(({ nodes }) => nodes === 2 || (!normal && nodes === 4));
  const start = normal ? [20_000, 11] : [20_000, 2500, CARD_SHARE];
  return fitted(start, used, direction, (x) => {
    const constants: CrossingConstants = normal
      ? { baseNs: digits(x[0]!), doublingNs: DOUBLING_NS, partRate: digits(x[1]!), cardShare: CARD_SHARE }
      : { baseNs: digits(x[0]!), doublingNs: digits(x[1]!), partRate: 0, cardShare: digits(x[2]!) };
    const rates = { link: SYSTEMS.hopper.link, card: CARD };
    return { constants, timeNs: (query: DispatchQuery) => crossingDispatchNs(local, constants, rates, query) };
  });
}

function fitted<T>(
  start: readonly number[],
  rows: readonly DispatchTime[],
  direction: Direction,
  at: (x: readonly number[]) => { readonly constants: T; readonly timeNs: (query: DispatchQuery) => number },
): T {
  const origin = start.map(Math.log);
  const loss = (logs: readonly number[]): number => {
    const { timeNs } = at(logs.map(Math.exp));
    let sum = 0;
    for (const row of rows) sum += Math.abs(Math.log(timeNs(queryOf(row, direction)) / measuredNs(row, direction)));
    return sum / rows.length + TRUST_IN_START * logs.reduce((away, x, i) => away + (x - origin[i]!) ** 2, 0);
  };
  let best = [...origin];
  for (let round = 0; round < 4; round++) best = minimise(loss, best, { steps: 700, size: 0.3 });
  return at(best.map(Math.exp)).constants;
}

function digits(value: number): number {
  return Number(value.toPrecision(3));
}

await main(process.argv[2] ?? "../shared/data/aiconfigurator-ops");
