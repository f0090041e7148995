/**
 * Placement of the graphs of msr-fiddle/dnn-partitioning: value, bound and time beside the reference results of the data folder; and of generated graphs
 * on racks of unlike devices, beside HiGHS. Options: seconds an input, and `published` or `racks` for one of the two.
 */
import { existsSync, readFileSync } from "node:fs";
import { HeddleError } from "../src/base/heddle-error.ts";
import { breachesOf, evaluate } from "../src/plan/partition/evaluate.ts";
import { partition } from "../src/plan/partition/partition.ts";
import { placeForLatency } from "../src/plan/partition/place-for-latency.ts";
import type { Bench, BenchReport, Figure } from "./bench.ts";
import { readExpertSplit, readPartitionInput } from "./partition-inputs.ts";
import { oracleFigures } from "./partition-oracle.ts";

const DATA = "../shared/data/dnn-partitioning";
const SECONDS = 10;
/** Values of the reference are given in six digits. */
const DIGITS = 1e-5;
const GAP_MEDIAN_MAX = 0.05;
const EQUALLED_MIN = 8;

interface Reference {
  readonly dp: number;
  readonly ip_noncontig?: number;
  readonly ip_bound?: number;
  readonly js_sa: number;
}

interface Row {
  readonly name: string;
  readonly value: number;
  readonly gap: number;
  readonly known: number;
  readonly contiguous: number;
  readonly expert: number;
  /** A value proven by another solver lies below our bound. */
  readonly broken: boolean;
}

export const bench: Bench = {
  name: "partition",
  run: async ({ note, rest }): Promise<BenchReport> => {
    const folder = process.env["HEDDLE_PARTITION_DATA"] ?? DATA;
    const seconds = Number(rest[0] ?? SECONDS);
    if (!(seconds > 0) || !PARTS.includes(rest[1] ?? "all") || rest.length > 2) {
      throw new HeddleError("usage", { detail: `options of the bench: seconds, then one of ${PARTS.join(", ")}` });
    }
    const published = rest[1] === "racks" ? NOTHING : measurePublished(folder, seconds, note);
    const racks = rest[1] === "published" ? [] : await oracleFigures({ seconds, cpuSeconds, note });
    const setup = rest[1] === "published" ? [] : [RACKS_SETUP];
    return { setup: [...published.setup, ...setup], figures: [...published.figures, ...racks] };
  },
};

const PARTS = ["all", "published", "racks"];
const RACKS_SETUP =
  "20 generated racks of three or four device types whose memory binds, 11 to 56 operators, beside HiGHS (one thread, WebAssembly)";
const NOTHING: BenchReport = { setup: [], figures: [] };

function measurePublished(folder: string, seconds: number, note: (text: string) => void): BenchReport {
  if (!existsSync(folder)) return { setup: [`left out: no data in ${folder} (HEDDLE_PARTITION_DATA names another folder)`], figures: [] };
  const { throughput, latency } = JSON.parse(readFileSync(`${folder}/reference-results.json`, "utf8")) as {
    readonly throughput: Readonly<Record<string, Reference>>;
    readonly latency: Readonly<Record<string, LatencyReference | string>>;
  };
  const rows = Object.entries(throughput).map(([name, reference]) => measure({ folder, name, reference, seconds, note }));
  const latencies = Object.entries(latency).flatMap(([name, reference]) =>
    typeof reference === "string" ? [] : measureLatency({ folder, name, reference, seconds, note }),
  );
  return {
    setup: [
      `largest load on ${rows.length} throughput inputs, time of one sample on ${latencies.length} latency inputs; at most ${seconds} s of CPU time each, one thread, seed 1`,
    ],
    figures: [...rows.flatMap(figuresOf), ...summary(rows), ...latencies],
  };
}

interface LatencyReference {
  readonly greedy: number;
  readonly dp_split?: number;
  readonly expert?: number;
}

interface Case<R> {
  readonly folder: string;
  readonly name: string;
  readonly reference: R;
  readonly seconds: number;
  readonly note: (text: string) => void;
}

function measure({ folder, name, reference, seconds, note }: Case<Reference>): Row {
  const input = readPartitionInput(`${folder}/throughput-inputs/${name}.json`);
  const start = cpuSeconds();
  const found = partition(input.problem, { moves: Infinity, shouldStop: () => cpuSeconds() - start > seconds });
  const took = cpuSeconds() - start;
  if (!found.ok) {
    note(`${name}: no placement`);
    return { name, value: Infinity, gap: 1, known: reference.dp, contiguous: reference.dp, expert: Infinity, broken: false };
  }
  const { value, bound, gap, method, moves, stages } = found.value;
  const path = expertPath(folder, name);
  const expert = path === undefined ? Infinity : evaluate(input.problem, readExpertSplit(path, input)).maxLoad;
  const known = Math.min(reference.dp, reference.js_sa, reference.ip_noncontig ?? Infinity);
  note(
    `${name}: ${value.toFixed(4)} (${method}; best known ${known}, contiguous ${reference.dp}, expert ${expert < Infinity ? expert.toFixed(2) : "none"}), bound ${bound.value.toFixed(4)} ` +
      `(${bound.method}; reference ${reference.ip_bound ?? "none"}), gap ${(100 * gap).toFixed(2)} %, ${stages.length} stages, ${(moves / 1e6).toFixed(1)} M moves, ${took.toFixed(1)} s`,
  );
  return { name, value, gap, known, contiguous: reference.dp, expert, broken: bound.value > known * (1 + DIGITS) };
}

/** Human splits exist for layer graphs. */
function expertPath(folder: string, name: string): string | undefined {
  const path = `${folder}/human-experts/${name.split("/")[1]}_expert.json`;
  return name.startsWith("Layer") && existsSync(path) ? path : undefined;
}

/** CPU time of the whole process: at least the wall time of a thread that nothing disturbs. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function measureLatency({ folder, name, reference, seconds, note }: Case<LatencyReference>): readonly Figure[] {
  const input = readPartitionInput(`${folder}/latency-inputs/${name}.json`);
  const start = cpuSeconds();
  const found = placeForLatency(input.problem, { moves: Infinity, shouldStop: () => cpuSeconds() - start > seconds });
  // A human split was made for other memory: it counts only where it fits.
  const path = expertPath(folder, name);
  const expertFits = path !== undefined && breachesOf(input.problem, readExpertSplit(path, input)).length === 0;
  const known = Math.min(reference.greedy, reference.dp_split ?? Infinity, (expertFits ? reference.expert : undefined) ?? Infinity);
  const value = found.ok ? found.value.value : Infinity;
  const details = found.ok
    ? `${found.value.method}, bound ${found.value.bound.toFixed(2)}, gap ${(100 * found.value.gap).toFixed(1)} %, ${found.value.moves} moves`
    : "no placement";
  note(
    `latency ${name}: ${value.toFixed(3)} (best known ${known}${reference.expert !== undefined && !expertFits ? `, expert ${reference.expert} breaks the memory limit` : ""}), ${details}, ${(cpuSeconds() - start).toFixed(1)} s`,
  );
  return [
    { name: `latency ${name}: value / best known`, value: value / known, unit: "x", floor: { max: 1 + DIGITS } },
    { name: `latency ${name}: gap`, value: found.ok ? found.value.gap : 1, unit: "share" },
  ];
}

function figuresOf({ name, value, gap, known }: Row): readonly Figure[] {
  return [
    { name: `${name}: value / best known`, value: value / known, unit: "x" },
    { name: `${name}: gap`, value: gap, unit: "share" },
  ];
}

function summary(rows: readonly Row[]): readonly Figure[] {
  const gaps = rows.map(({ gap }) => gap).sort((a, b) => a - b);
  const middle = gaps.length >> 1;
  const count = (keeps: (row: Row) => boolean): number => rows.filter(keeps).length;
  return [
    {
      name: "worst value / best known",
      value: Math.max(...rows.map(({ value, known }) => value / known)),
      unit: "x",
      floor: { max: 1 + DIGITS },
    },
    {
      name: "inputs as good as the best known",
      value: count(({ value, known }) => value <= known * (1 + DIGITS)),
      unit: "of 8",
      floor: { min: EQUALLED_MIN },
    },
    {
      name: "inputs worse than contiguous or expert",
      value: count(({ value, contiguous, expert }) => value > Math.min(contiguous, expert) * (1 + DIGITS)),
      unit: "of 8",
      floor: { max: 0 },
    },
    { name: "bounds above a known value", value: count(({ broken }) => broken), unit: "of 8", floor: { max: 0 } },
    { name: "median gap", value: (gaps[middle - 1]! + gaps[middle]!) / 2, unit: "share", floor: { max: GAP_MEDIAN_MAX } },
  ];
}
