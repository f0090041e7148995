/** What a serving simulation costs: a trace on a fleet, how that grows with requests and replicas, and other simulators on like work. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { seededPrng } from "../src/base/prng.ts";
import { popWake, setWake, wakeHeap } from "../src/base/wake-heap.ts";
import { runServing } from "../src/simulate/serving/run-serving.ts";
import type { ServingInput, ServingOutcome } from "../src/simulate/serving/serving-input.ts";
import type { Bench, BenchReport, Figure } from "./bench.ts";
import { cpuTimer } from "./cpu-time.ts";
import { fleetCost, fleetInput } from "./simulate/fleet.ts";
import { runPeers } from "./simulate/peers.ts";
import { repeated, traceRequests } from "./simulate/trace-requests.ts";

const ROUNDS = 5;
const REPLICAS = 8;
const MILLION = 1_000_000;
/** Runs of their own process, so that nothing else of the bench counts to their memory: `--part <requests> <replicas> <speed>`. */
const PART = "--part";

export const bench: Bench = {
  name: "simulate",
  run: async ({ note, rest }): Promise<BenchReport> => {
    const { requests, source } = traceRequests();
    const { cost, source: costSource } = fleetCost();
    const input = fleetInput(requests, REPLICAS, cost);
    note(`${source}; ${REPLICAS} replicas`);
    const first = timed(input);
    const rounds = Array.from({ length: ROUNDS }, () => timed(input));
    const median = rounds.map(({ seconds }) => seconds).sort((a, b) => a - b)[ROUNDS >> 1]!;
    const unit = timed({ ...input, stepping: "unit" });
    const heapNs = bareHeapNs();
    const events = first.outcome.iterations;
    const sizes = rest.includes("--quick") ? [] : growth(note);
    const peers = rest.includes("--no-peers") ? [] : runPeers(requests, note);
    return {
      setup: [
        `${source}; ${REPLICAS} replicas, prefix caching, priced routing that looks into their caches, decisions recorded and hashed; ${costSource}`,
        "one thread; CPU time of the process (garbage collection included), so that what else the machine does is not counted",
        `${events} iterations, ${first.outcome.decisions.length} bytes of decisions, hash ${first.outcome.hash}`,
        `leaps and single iterations: ${unit.outcome.hash === first.outcome.hash ? "one hash" : "HASHES DIFFER"}`,
        "bare heap: one push and pop of a 4-ary heap of as many members as replicas, for each iteration, on the same core",
        ...sizes.map(({ line }) => line),
        ...peers.map(({ line }) => line),
      ],
      figures: [
        { name: "trace, first run in a process", value: first.seconds, unit: "s", floor: { max: 1.3 } },
        { name: `trace, median of ${ROUNDS} more`, value: median, unit: "s", floor: { max: 1.3 } },
        { name: "trace, one iteration at a time", value: unit.seconds, unit: "s" },
        { name: "requests", value: requests.count / median, unit: "1/s" },
        { name: "an iteration", value: (median * 1e9) / events, unit: "ns" },
        { name: "an iteration of a bare heap", value: heapNs, unit: "ns" },
        { name: "simulation / bare heap", value: (median * 1e9) / events / heapNs, unit: "x" },
        { name: "same hash leaping and stepping", value: unit.outcome.hash === first.outcome.hash ? 1 : 0, unit: "", floor: { min: 1 } },
        ...sizes.flatMap(({ figures }) => figures),
        ...peers.flatMap(({ figures }) => figures),
      ],
    };
  },
};

function timed(input: ServingInput): { readonly seconds: number; readonly outcome: ServingOutcome } {
  const seconds = cpuTimer();
  const outcome = runServing(input);
  return { seconds: seconds(), outcome };
}

interface Part {
  readonly line: string;
  readonly figures: readonly Figure[];
}

interface PartResult {
  readonly seconds: number;
  readonly peakBytes: number;
  readonly hash: string;
  readonly iterations: number;
}

/** How time grows: requests at 8 replicas, then replicas with as many times the arrivals. */
function growth(note: (text: string) => void): Part[] {
  const requests = [1000, 10_000, 100_000, MILLION].map((count) => ({ count, result: part(note, count, REPLICAS) }));
  const replicas = [8, 64, 512, 4096].map((count) => ({ count, result: part(note, 12_031, count) }));
  const last = requests.at(-1)!.result;
  const perRequest = (entry: (typeof requests)[number]): number => (entry.result.seconds * 1e6) / entry.count;
  const text = (name: string, list: typeof requests): string =>
    `${name}: ${list.map(({ count, result }) => `${count}: ${result.seconds.toFixed(2)} s`).join(", ")}`;
  return [
    {
      line: text(`requests on ${REPLICAS} replicas`, requests),
      figures: [
        { name: "a million requests", value: last.seconds, unit: "s", floor: { max: 180 } },
        { name: "a million requests, peak memory", value: last.peakBytes / 1e9, unit: "GB", floor: { max: 2 } },
        { name: "time a request, 10^6 / 10^4", value: perRequest(requests[3]!) / perRequest(requests[1]!), unit: "x", floor: { max: 1.3 } },
      ],
    },
    {
      line: text("12031 requests by replicas, arrivals as many times as dense", replicas),
      figures: [
        {
          name: "time a request and replica, 4,096 / 8",
          value: replicas[3]!.result.seconds / 4096 / (replicas[0]!.result.seconds / 8),
          unit: "x",
          floor: { max: 1 },
        },
      ],
    },
  ];
}

function part(note: (text: string) => void, count: number, replicas: number): PartResult {
  note(`${count} requests on ${replicas} replicas`);
  const script = fileURLToPath(import.meta.url);
  const run = spawnSync(process.execPath, [script, PART, String(count), String(replicas), String(replicas / REPLICAS)], {
    encoding: "utf8",
  });
  return JSON.parse(run.stdout) as PartResult;
}

/** Nanoseconds of one push and pop with times that grow as those of replicas do. */
function bareHeapNs(): number {
  const heap = wakeHeap(REPLICAS);
  const prng = seededPrng(7);
  const steps = Float64Array.from({ length: 1024 }, () => 1 + prng.nextBelow(1e7));
  for (let i = 0; i < REPLICAS; i++) setWake(heap, i, i);
  const rounds = 2_000_000;
  const seconds = cpuTimer();
  for (let i = 0; i < rounds; i++) {
    const member = popWake(heap);
    setWake(heap, member, heap.time[member]! + steps[i & 1023]!);
  }
  return (seconds() * 1e9) / rounds;
}

if (process.argv[2] === PART) {
  const [count, replicas, speed] = process.argv.slice(3).map(Number);
  const requests = repeated(traceRequests().requests, count!, speed!);
  const seconds = cpuTimer();
  const { hash, iterations } = runServing(fleetInput(requests, replicas!, fleetCost().cost));
  const result: PartResult = { seconds: seconds(), peakBytes: process.resourceUsage().maxRSS * 1024, hash, iterations };
  process.stdout.write(JSON.stringify(result));
}
