import type { Seat, SeatStage, Seats } from "../../src/execute/seat/seat-types.ts";
import type { StateProgram } from "../../src/graph/program/state-spec.ts";
import type { Device } from "../../src/rack/rack.ts";

/** Two seats that are joined, with an empty task. */
export interface Pair {
  readonly left: Seat;
  readonly right: Seat;
  /** Round trips one after the other. Units: us. */
  times(count: number): Promise<readonly number[]>;
  /** Mean with `depth` under way. Units: us. */
  pipelined(count: number, depth: number): Promise<number>;
  /** A tensor from left to right, from the request until it is there. Units: us. */
  moves(bytes: number, count: number): Promise<readonly number[]>;
}

const MEMORY_BYTES = 4e9;
const COPY: StateProgram = {
  name: "copy",
  inputs: [{ name: "x", type: "f32", dims: ["n"] }],
  operators: [{ type: "Copy", inputs: ["x"], outputs: ["y"] }],
  outputs: ["y"],
};
const [SMALL, OUT, MESSAGE, ARRIVED] = [1, 2, 3, 4];

export function benchDevice(id: string): Device {
  return { id, kind: "ipu", driver: "ipu", threads: 1, cores: [0], memory: "dram" };
}

export async function openPair(seats: Seats, isolation: "thread" | "process"): Promise<Pair> {
  const open = (side: string): Promise<Seat> =>
    seats.open({ device: benchDevice(`${isolation} ${side}`), memoryBytes: MEMORY_BYTES, isolation });
  const [left, right] = [await open("left"), await open("right")];
  await seats.connect(left, right);
  const stage = await left.load({ program: { type: "state", program: COPY }, operators: [0] });
  await left.put(SMALL, { type: "f32", dims: [4], data: new Float32Array(4) });
  return { left, right, ...empties(left, stage), moves: (bytes, count) => moves(left, right, { bytes, count }) };
}

function empties(seat: Seat, stage: SeatStage): Pick<Pair, "times" | "pipelined"> {
  return {
    times: async (count) => {
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        const began = performance.now();
        await stage.run({ x: SMALL }, { y: OUT });
        times.push((performance.now() - began) * 1e3);
        seat.free([OUT]);
      }
      return times;
    },
    pipelined: async (count, depth) => {
      const flying: Promise<unknown>[] = [];
      const began = performance.now();
      for (let i = 0; i < count; i++) {
        flying.push(stage.run({ x: SMALL }, { y: 100 + i }));
        seat.free([100 + i]);
        if (flying.length >= depth) await flying.shift();
      }
      await Promise.all(flying);
      return ((performance.now() - began) * 1e3) / count;
    },
  };
}

async function moves(
  left: Seat,
  right: Seat,
  { bytes, count }: { readonly bytes: number; readonly count: number },
): Promise<readonly number[]> {
  await left.put(MESSAGE, { type: "u8", dims: [bytes], data: new Uint8Array(bytes) });
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    await Promise.all([right.receive(ARRIVED, left.id, { tag: 1 }), left.send(MESSAGE, right.id, { tag: 1 })]);
    times.push((performance.now() - began) * 1e3);
    right.free([ARRIVED]);
  }
  left.free([MESSAGE]);
  return times;
}
