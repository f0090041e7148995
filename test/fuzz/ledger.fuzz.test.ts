// Goal: whatever the bytes, a ledger is valid or `ledger-invalid`, and a replay of it ends. Method: seeded damage to files of simulated engines, with the
// checksums left wrong and set right again.
import { describe, expect, it } from "vitest";
import { must } from "../../src/base/assert.ts";
import { HeddleError } from "../../src/base/heddle-error.ts";
import { type Prng, seededPrng } from "../../src/base/prng.ts";
import { frameOf, readFrame } from "../../src/engine/ledger-frame.ts";
import { readLedger } from "../../src/engine/ledger-reader.ts";
import { replayLedger } from "../../src/engine/replay.ts";
import { engineOfLedger } from "../../src/engine/replay-engine.ts";
import { createRunRecorder, engineOfRun, ledgerOf } from "../../src/simulate/check/replay-checker.ts";
import { virtualRun } from "../../src/simulate/run/virtual-run.ts";
import { scenario } from "../simulation/scenario.ts";

const CASES = 700;
const FRAMES = 40;
const input = scenario("steady", 1);

/** The first frames of the ledgers of a fleet and a replica engine. */
function goodLedgers(): Uint8Array[][] {
  const recorder = createRunRecorder(input);
  virtualRun({ ...input, watchers: [recorder.watcher] });
  return ["fleet", "0.1"].map((name) => framesOf(ledgerOf(must(recorder.records.get(name), "a record"))).slice(0, FRAMES));
}

function framesOf(bytes: Uint8Array): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (let frame = readFrame(bytes, 0); frame.type === "frame"; frame = readFrame(bytes, frame.next)) payloads.push(frame.payload);
  return payloads;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function damage(bytes: Uint8Array, prng: Prng): Uint8Array {
  const at = prng.nextBelow(bytes.length);
  const kind = prng.nextBelow(5);
  if (kind === 0) return bytes.slice(0, at);
  if (kind === 1) return joined([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + prng.nextBelow(9)))]);
  if (kind === 2)
    return joined([
      bytes.subarray(0, at),
      Uint8Array.from({ length: 1 + prng.nextBelow(6) }, () => prng.nextBelow(256)),
      bytes.subarray(at),
    ]);
  const copy = bytes.slice();
  if (kind === 3) copy[at]! ^= 1 << prng.nextBelow(8);
  else copy[at] = [0, 0x80, 0xc0, 0xc1, 0xcf, 0xd9, 0xdd, 0xdf, 0xff][prng.nextBelow(9)]!;
  return copy;
}

/** True where the bytes were a valid ledger, which is then replayed; anything but `ledger-invalid` fails the test. */
function outcome(bytes: Uint8Array, name: string): boolean {
  try {
    const ledger = readLedger(bytes);
    replayLedger(ledger, engineOfRun(input));
    return true;
  } catch (thrown) {
    if (thrown instanceof HeddleError) expect(thrown.code, name).toBe("ledger-invalid");
    else throw thrown;
    return false;
  }
}

describe("ledgers, fuzzed", () => {
  const good = goodLedgers();

  it(`survives ${CASES} damaged files`, () => {
    let valid = 0;
    for (let seed = 0; seed < CASES; seed++) {
      const prng = seededPrng(seed);
      if (outcome(damage(joined(good[seed % 2]!.map(frameOf)), prng), `seed ${seed}`)) valid++;
    }
    // Torn ends are valid; nearly all other damage is found.
    expect(valid).toBeGreaterThan(CASES / 10);
    expect(valid).toBeLessThan(CASES / 2);
  });

  it(`survives ${CASES} files whose damaged frames have the right checksum`, () => {
    let valid = 0;
    for (let seed = 0; seed < CASES; seed++) {
      const prng = seededPrng(seed + CASES);
      const payloads = [...good[seed % 2]!];
      const hit = prng.nextBelow(4) === 0 ? 0 : prng.nextBelow(payloads.length);
      payloads[hit] = damage(payloads[hit]!, prng);
      if (outcome(joined(payloads.map(frameOf)), `seed ${seed}`)) valid++;
    }
    expect(valid).toBeGreaterThan(20);
    expect(valid).toBeLessThan(CASES / 2);
  });

  it("a header it cannot make an engine of is refused", () => {
    const ledger = readLedger(joined(good[0]!.map(frameOf)));
    const header = { ...ledger.header, node: { ...ledger.header.node, policy: "unheard-of" } };
    expect(() => engineOfLedger(header)).toThrow(/"unheard-of" is not known/);
  });
});
