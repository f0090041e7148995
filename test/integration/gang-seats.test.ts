/**
 * Goal: a tensor-parallel gang of real processes gives one device's logits, shows its collectives with bytes and time, and is void as a whole when a
 * member is lost. Method: ONNX Runtime in two worker processes on a tiny model, against the plain reference.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bytesOf } from "../../src/base/bytes.ts";
import type { HostTensor } from "../../src/execute/device/tensor.ts";
import { compiledEntry } from "../../src/execute/discover/compiled-entry.ts";
import { rotationTables } from "../../src/execute/drivers/shared/rotations.ts";
import type { SlotNames } from "../../src/execute/gang/run-ranks.ts";
import { createSeats } from "../../src/execute/seat/create-seats.ts";
import type { Seat, Seats } from "../../src/execute/seat/seat-types.ts";
import type { DecoderModel } from "../../src/graph/decoder/model.ts";
import { decoderFromGguf } from "../../src/graph/gguf/decoder-from-gguf.ts";
import { readGguf } from "../../src/graph/gguf/read-gguf.ts";
import { lowerTensorParallel } from "../../src/graph/lower/tensor-parallel.ts";
import type { GangProgram } from "../../src/graph/program/gang-program.ts";
import { type Gang, openGang } from "../support/open-gang.ts";
import { referenceLogits } from "../support/reference-decoder.ts";
import { syntheticDevice } from "../support/synthetic-rack.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";

const TIMEOUT_MS = 120_000;
/** f32 sums in another order, relative to the largest logit; measured: 1.0e-6. */
const CLOSE = 1e-5;
const MEMORY_BYTES = 1e9;
const TOKENS = [3, 141, 59, 26, 53, 58, 97, 93, 23, 84, 62];
const cacheFolder = mkdtempSync(join(tmpdir(), "heddle-gang-"));
const model: DecoderModel = decoderFromGguf(readGguf(bytesOf(tinyGguf({}))), "tiny");
const byName = compiledEntry("device/device-driver-by-name").href;
const ort = `data:text/javascript,${encodeURIComponent(`export const driver = await (await import(${JSON.stringify(byName)})).deviceDriverByName("ort");`)}`;

let seats: Seats;
let members: Seat[];
beforeAll(async () => {
  seats = createSeats({ cacheFolder });
  members = [];
  for (const rank of [0, 1]) {
    const device = syntheticDevice(`rank-${rank}`);
    members.push(await seats.open({ device, memoryBytes: MEMORY_BYTES, driver: ort }));
  }
}, TIMEOUT_MS);
afterAll(() => seats.close());

function programs(): readonly GangProgram[] {
  const made = lowerTensorParallel(model, 2, { rotations: rotationTables(model.spec.rope, 64), logits: "all" });
  if (!made.ok) throw new TypeError(JSON.stringify(made.error));
  return made.value;
}

let slots = 0;
const nextSlot = (): number => slots++;
const ints = (values: readonly number[]): HostTensor => ({
  type: "i64",
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

/** Puts a chunk's tokens and the members' pasts there, and names slots for what comes back. */
async function feeds(pasts: readonly Map<string, number>[], tokens: readonly number[], at: number): Promise<[SlotNames[], SlotNames[]]> {
  const given: SlotNames[] = [];
  const wanted: SlotNames[] = [];
  for (const [rank, seat] of members.entries()) {
    const [ids, positions] = [nextSlot(), nextSlot()];
    await seat.put(ids, ints(tokens));
    await seat.put(positions, ints(tokens.map((_token, i) => at + i)));
    given.push({ tokens: ids, positions, ...Object.fromEntries(pasts[rank]!) });
    wanted.push({ logits: nextSlot(), ...Object.fromEntries([...pasts[rank]!.keys()].map((name) => [`${name}.rows`, nextSlot()])) });
  }
  return [given, wanted];
}

async function emptyPasts(): Promise<Map<string, number>[]> {
  const { kvHeads, headDim, layers } = model.spec;
  const width = (kvHeads / 2) * headDim;
  return Promise.all(
    members.map(async (seat) => {
      const past = new Map<string, number>();
      for (const name of Array.from({ length: layers }, (_unused, layer) => [`k.${layer}`, `v.${layer}`]).flat()) {
        const slot = nextSlot();
        await seat.put(slot, { type: "f32", dims: [0, width], data: new Float32Array(0) }, { capacity: 64 });
        past.set(name, slot);
      }
      return past;
    }),
  );
}

test("two processes give one device's logits, chunk after chunk, and say what their collectives took", {
  timeout: TIMEOUT_MS,
}, async () => {
  const gang = await openGang(seats, members, programs());
  expect(new Set(members.map(({ pid }) => pid)).size).toBe(2);
  const expected = referenceLogits(model, TOKENS);
  const pasts = await emptyPasts();
  const before = await Promise.all(members.map((seat) => seat.telemetry()));
  let at = 0;
  for (const count of [4, 1, 6]) {
    const [given, wanted] = await feeds(pasts, TOKENS.slice(at, at + count), at);
    const { rows } = await gang.run(given, wanted, nextSlot);
    for (const [rank, seat] of members.entries()) {
      const logits = await seat.get(wanted[rank]!["logits"]!);
      expect(logits.dims).toEqual([count, model.spec.vocabulary]);
      for (let row = 0; row < count; row++) {
        const { vocabulary } = model.spec;
        const own = (logits.data as Float32Array).slice(row * vocabulary, (row + 1) * vocabulary);
        expect(difference(own, expected[at + row]!)).toBeLessThan(CLOSE);
      }
      for (const [name, slot] of pasts[rank]!) {
        const added = wanted[rank]![`${name}.rows`]!;
        await seat.append(slot, added);
        seat.free([added]);
      }
      seat.free([given[rank]!["tokens"]!, given[rank]!["positions"]!, wanted[rank]!["logits"]!]);
      const exchanges = rows[rank]!.filter(({ kind }) => kind === "collective");
      expect(exchanges.map(({ name }) => name)).toEqual([
        ...[0, 1].flatMap((layer) => [`layers.${layer}.attention`, `layers.${layer}.ffn`]),
        "head",
      ]);
      // A ring of two: half of the sum each way, twice.
      const sumBytes = 2 * count * model.spec.width * Float32Array.BYTES_PER_ELEMENT;
      expect(exchanges.slice(0, -1).map(({ movedBytes }) => movedBytes)).toEqual([sumBytes, sumBytes, sumBytes, sumBytes]);
      for (const { ns, parts } of exchanges) expect(parts).toEqual([{ what: "transfer", ns }]);
      expect(rows[rank]!.filter(({ kind }) => kind === "run")).toHaveLength(6);
    }
    at += count;
  }
  const after = await Promise.all(members.map((seat) => seat.telemetry()));
  // What lies between steps was freed: only the pasts are there.
  expect(after.map((one) => one.slots)).toEqual(before.map((one) => one.slots));
  await gang.release();
});

test("programs that are no gang are refused before anything is loaded", async () => {
  const [first, second] = programs();
  const shorter = { ...second!, steps: second!.steps.filter(({ name }) => name !== "layers.0.ffn") };
  await expect(openGang(seats, members, [first!, shorter])).rejects.toMatchObject({ code: "input-invalid", where: "gang" });
  await expect(openGang(seats, members, [first!])).rejects.toMatchObject({ code: "input-invalid" });
});

test("a member that is lost voids the run: the other does not wait for ever", { timeout: TIMEOUT_MS }, async () => {
  const gang: Gang = await openGang(seats, members, programs());
  const [given, wanted] = await feeds(await emptyPasts(), TOKENS, 0);
  members[1]!.kill();
  await expect(gang.run(given, wanted, nextSlot)).rejects.toMatchObject({ code: "host-lost" });
});

function difference(row: Float32Array, expected: Float32Array): number {
  const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return row.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!) / size), 0);
}
