/** What handing work to a seat costs, beside Ray: an actor call and a compiled graph; what messages cost; what an ipu worker spares the host. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHeddleError } from "../src/base/heddle-error.ts";
import { quantile } from "../src/base/statistics.ts";
import { createSeats } from "../src/execute/seat/create-seats.ts";
import type { Bench, BenchReport, Figure } from "./bench.ts";
import { MOVED_BYTES, type MovingCost, movingState } from "./seats/moving-state.ts";
import { openPair, type Pair } from "./seats/our-side.ts";
import { type RaySide, startRay } from "./seats/ray-side.ts";

const ROUNDS = 7;
const CALLS = 1_000;
const RAY_CALLS = 200;
const DEPTH = 64;
const SIZES = [
  { name: "1 KB", bytes: 1_024, count: 200, rayCount: 60 },
  { name: "64 KB", bytes: 65_536, count: 100, rayCount: 40 },
  { name: "16 MB", bytes: 16 * 2 ** 20, count: 8, rayCount: 4 },
];

interface Sides {
  readonly thread: Pair;
  readonly process: Pair;
  readonly ray: RaySide;
}

/** Times by what was measured; pooled over rounds. Units: us. */
type Samples = Map<string, number[]>;

export const bench: Bench = {
  name: "seats",
  run: async ({ note, rest }): Promise<BenchReport> => {
    if (rest.length > 0) throw new TypeError(`this bench takes no options: ${rest.join(" ")}`);
    const cacheFolder = mkdtempSync(join(tmpdir(), "heddle-bench-seats-"));
    const seats = createSeats({ cacheFolder });
    const ray = await startRay(note).catch(async (thrown: unknown) => {
      note(`Ray, which this bench compares with, cannot be had: ${toHeddleError(thrown).message}`);
      await seats.close();
      throw thrown;
    });
    try {
      const sides = { thread: await openPair(seats, "thread"), process: await openPair(seats, "process"), ray };
      const samples: Samples = new Map();
      for (let round = 0; round <= ROUNDS; round++) {
        const now: Samples = new Map();
        await measureRound(sides, now);
        note(
          `round ${round}: ${["thread", "process", "actor", "graph"].map((name) => `${name} ${p(now, name, 0.5).toFixed(0)} us`).join(", ")}`,
        );
        // The first round warms up.
        if (round > 0) for (const [name, times] of now) samples.set(name, [...(samples.get(name) ?? []), ...times]);
      }
      note("moving state with and without an ipu worker");
      return report(samples, { moving: await movingState(seats), version: ray.version });
    } finally {
      ray.close();
      await seats.close();
      rmSync(cacheFolder, { recursive: true, force: true });
    }
  },
};

async function measureRound({ thread, process: apart, ray }: Sides, into: Samples): Promise<void> {
  into.set("thread", [...(await thread.times(CALLS))]);
  into.set("graph", [...(await ray.times({ kind: "graph", count: RAY_CALLS }))]);
  into.set("process", [...(await apart.times(CALLS))]);
  into.set("actor", [...(await ray.times({ kind: "actor", count: RAY_CALLS }))]);
  into.set("thread pipelined", [await thread.pipelined(CALLS, DEPTH)]);
  into.set("graph pipelined", [await ray.each({ kind: "graph-pipelined", count: RAY_CALLS })]);
  into.set("process pipelined", [await apart.pipelined(CALLS, DEPTH)]);
  into.set("actor pipelined", [await ray.each({ kind: "actor-pipelined", count: RAY_CALLS })]);
  for (const { name, bytes, count, rayCount } of SIZES) {
    into.set(`thread ${name}`, [...(await thread.moves(bytes, count))]);
    into.set(`process ${name}`, [...(await apart.moves(bytes, count))]);
    into.set(`actor ${name}`, [...(await ray.times({ kind: "move", bytes, count: rayCount }))]);
  }
}

function p(samples: Samples, name: string, share: number): number {
  return quantile(samples.get(name) ?? [], share);
}

const LABELS: Readonly<Record<string, string>> = {
  thread: "seat, thread",
  process: "seat, process",
  actor: "Ray actor",
  graph: "Ray compiled graph",
};

function report(samples: Samples, { moving, version }: { readonly moving: MovingCost; readonly version: string }): BenchReport {
  const kinds = Object.keys(LABELS);
  const trips = kinds.flatMap((kind): Figure[] => [
    { name: `${LABELS[kind]}: empty task, p50`, value: p(samples, kind, 0.5), unit: "us" },
    { name: `${LABELS[kind]}: empty task, p99`, value: p(samples, kind, 0.99), unit: "us" },
    { name: `${LABELS[kind]}: empty task, pipelined`, value: p(samples, `${kind} pipelined`, 0.5), unit: "us" },
  ]);
  const messages = SIZES.flatMap(({ name, bytes }) =>
    ["thread", "process", "actor"].flatMap((kind): Figure[] => {
      const us = p(samples, `${kind} ${name}`, 0.5);
      return [
        { name: `${LABELS[kind]}: message of ${name}, p50`, value: us, unit: "us" },
        { name: `${LABELS[kind]}: message of ${name}`, value: bytes / us / 1e3, unit: "GB/s" },
      ];
    }),
  );
  const ratio = (ours: string, theirs: string): number => p(samples, ours, 0.5) / p(samples, theirs, 0.5);
  return {
    setup: [
      `empty tasks: ${ROUNDS} rounds of ${CALLS} (Ray ${version}: ${RAY_CALLS}), alternating; pipelined: ${DEPTH} under way (compiled graph: 8)`,
      "messages: from the request until the other side has them, with the requests of the front end; Ray: a call that gives an object to another's call",
      `moving state: CPU time of the host that holds the KV while ${MOVED_BYTES / 2 ** 30} GiB of f32 pages leave it as int8 (user and system, all threads)`,
    ],
    figures: [
      ...trips,
      { name: "seat by process / Ray actor", value: ratio("process", "actor"), unit: "x", floor: { max: 1 } },
      { name: "seat by thread / Ray compiled graph", value: ratio("thread", "graph"), unit: "x", floor: { max: 1 } },
      ...messages,
      { name: "moving 1 GiB, host packs and quantises", value: moving.alone, unit: "CPU s" },
      { name: "moving 1 GiB, ipu worker packs and quantises", value: moving.withIpu, unit: "CPU s" },
      { name: "host's CPU time with ipu worker / without", value: moving.withIpu / moving.alone, unit: "x", floor: { max: 1 } },
    ],
  };
}
