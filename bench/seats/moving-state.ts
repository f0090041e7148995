import { readFileSync } from "node:fs";
import type { Seat, SeatStage, Seats } from "../../src/execute/seat/seat-types.ts";
import type { StateProgram } from "../../src/graph/program/state-spec.ts";
import { benchDevice } from "./our-side.ts";

/** CPU time of the host that computes, for as much KV. Units: s. */
export interface MovingCost {
  readonly alone: number;
  readonly withIpu: number;
}

const PAGE_VALUES = 16 * 1_024;
const PAGES = 256;
const VALUES = PAGES * PAGE_VALUES;
/** 16 MiB of f32 a batch, 1 GiB in all. */
export const MOVED_BYTES = 2 ** 30;
const BATCHES = MOVED_BYTES / (VALUES * 4);
const MEMORY_BYTES = 4e9;

const PACK: StateProgram = {
  name: "pack and quantise",
  inputs: [
    { name: "pages", type: "f32", dims: ["pages", PAGE_VALUES / 64, 64] },
    { name: "index", type: "i32", dims: ["n"] },
  ],
  operators: [
    { type: "Pack", inputs: ["pages", "index"], outputs: ["rows"] },
    { type: "QuantizeInt8", inputs: ["rows"], outputs: ["codes", "scale"] },
  ],
  outputs: ["codes", "scale"],
};
const [PAGED, INDEX, CAME, CODES, SCALE, CODES_THERE, SCALE_THERE] = [1, 2, 3, 4, 5, 6, 7];

/** KV pages of a compute host go to another host as int8: packed and quantised there, or by an ipu worker beside it. */
export async function movingState(seats: Seats): Promise<MovingCost> {
  const open = (id: string): Promise<Seat> => seats.open({ device: benchDevice(id), memoryBytes: MEMORY_BYTES });
  const [compute, ipu, target] = [await open("compute"), await open("ipu"), await open("target")];
  await Promise.all([seats.connect(compute, target), seats.connect(compute, ipu), seats.connect(ipu, target)]);
  const data = Float32Array.from({ length: VALUES }, (_, i) => ((i * 37) % 101) - 50);
  await compute.put(PAGED, { type: "f32", dims: [PAGES, PAGE_VALUES / 64, 64], data });
  for (const seat of [compute, ipu])
    await seat.put(INDEX, { type: "i32", dims: [PAGES], data: Int32Array.from({ length: PAGES }, (_, i) => (i * 97) % PAGES) });
  const stageOf = (seat: Seat): Promise<SeatStage> => seat.load({ program: { type: "state", program: PACK }, operators: [0, 1] });
  const [own, theirs] = [await stageOf(compute), await stageOf(ipu)];

  const handOver = async (from: Seat): Promise<void> => {
    const moves = [
      from.send(CODES, target.id, { tag: 1 }),
      from.send(SCALE, target.id, { tag: 2 }),
      target.receive(CODES_THERE, from.id, { tag: 1 }),
      target.receive(SCALE_THERE, from.id, { tag: 2 }),
    ];
    from.free([CODES, SCALE]);
    await Promise.all(moves);
    target.free([CODES_THERE, SCALE_THERE]);
  };
  const alone = async (): Promise<void> => {
    const run = own.run({ pages: PAGED, index: INDEX }, { codes: CODES, scale: SCALE });
    await Promise.all([run, handOver(compute)]);
  };
  const withIpu = async (): Promise<void> => {
    const move = [compute.send(PAGED, ipu.id, { tag: 3 }), ipu.receive(CAME, compute.id, { tag: 3 })];
    const run = theirs.run({ pages: CAME, index: INDEX }, { codes: CODES, scale: SCALE });
    ipu.free([CAME]);
    await Promise.all([...move, run, handOver(ipu)]);
  };
  const cost = async (batch: () => Promise<void>): Promise<number> => {
    await batch();
    const before = cpuSeconds(compute.pid!);
    for (let i = 0; i < BATCHES; i++) await batch();
    return cpuSeconds(compute.pid!) - before;
  };
  // Alternating, because the machine's speed drifts.
  const [first, second] = [
    [await cost(alone), await cost(withIpu)],
    [await cost(alone), await cost(withIpu)],
  ];
  for (const seat of [compute, ipu, target]) await seat.close();
  return { alone: (first[0]! + second[0]!) / 2, withIpu: (first[1]! + second[1]!) / 2 };
}

const TICKS_PER_SECOND = 100;

/** User and system time of a process, all threads. Source: proc(5), /proc/pid/stat, fields 14 and 15. */
function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
