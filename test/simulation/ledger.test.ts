// Goal: a ledger gives back what was recorded whatever happened to its writer, and a replay names the first event that differs. Method: ledgers of
// simulated engines, cut at every byte, split into segments, altered.
import { describe, expect, test } from "vitest";
import { must } from "../../src/base/assert.ts";
import { HeddleError } from "../../src/base/heddle-error.ts";
import type { Ledger, LedgerEvent, LedgerIdentity } from "../../src/engine/ledger.ts";
import { readFrame } from "../../src/engine/ledger-frame.ts";
import { joinLedger, readLedger } from "../../src/engine/ledger-reader.ts";
import { withoutTokens } from "../../src/engine/ledger-redaction.ts";
import { createLedgerWriter } from "../../src/engine/ledger-writer.ts";
import { type ReplayEngine, replayLedger } from "../../src/engine/replay.ts";
import { createReplicaEngine } from "../../src/engine/replica-engine.ts";
import type { ReplicaEvent } from "../../src/engine/replica-engine-types.ts";
import type { ReplicaState } from "../../src/engine/replica-state.ts";
import { createRunRecorder, engineOfRun, ledgerOf, type RunRecord } from "../../src/simulate/check/replay-checker.ts";
import { virtualRun } from "../../src/simulate/run/virtual-run.ts";
import { scenario } from "./scenario.ts";

const input = scenario("memory pressure", 3);
const records = recordRun();
const fleet = must(records.get("fleet"), "the fleet has a record");
const replica = must(records.get("0.1"), "replica 0 has a first life");
const identity = (record: RunRecord): LedgerIdentity => ({ heddle: "0", node: record.node, costs: [], tokens: "dropped" });

function recordRun(): ReadonlyMap<string, RunRecord> {
  const recorder = createRunRecorder(input);
  virtualRun({ ...input, watchers: [recorder.watcher] });
  return recorder.records;
}

function write(record: RunRecord, options: { tokens?: "kept"; segmentBytesMax?: number } = {}): Uint8Array[] {
  const segments: Uint8Array[][] = [[]];
  const engine = options.segmentBytesMax === undefined ? undefined : replicaEngine();
  const sink = { write: (frame: Uint8Array) => segments.at(-1)!.push(frame), beginSegment: () => segments.push([]) };
  const writer = createLedgerWriter(
    sink,
    { ...identity(record), tokens: options.tokens ?? "dropped" },
    {
      snapshotEvery: 16,
      segmentBytesMax: options.segmentBytesMax ?? Infinity,
      ...(engine === undefined ? {} : { snapshot: () => engine.snapshot() }),
    },
  );
  for (const { event, now, commands } of record.steps) {
    engine?.step(event as ReplicaEvent, now);
    writer.record(event, now, commands);
  }
  return segments.map((frames) => Uint8Array.from(frames.flatMap((frame) => [...frame])));
}

function replicaEngine(state?: ReplicaState): ReturnType<typeof createReplicaEngine> {
  const { config, cost } = input.replicas[0]!;
  return createReplicaEngine(config, { batching: input.batching, cost }, state);
}

function invalid(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof HeddleError && thrown.code === "ledger-invalid") return thrown.message;
    throw thrown;
  }
  return "valid";
}

describe("reading", () => {
  test.each([fleet, replica])("gives back every event of $name with its time, without token ids", (record) => {
    const ledger = readLedger(ledgerOf(record));
    expect(ledger.events.map(({ event, at }) => ({ event, at }))).toEqual(
      record.steps.map(({ event, now }) => ({ event: withoutTokens(event), at: now })),
    );
    expect(ledger.header.node).toEqual(record.node);
    expect(ledger.tornBytes).toBe(0);
    expect(JSON.stringify(ledger.events)).not.toMatch(/"token":[^-]/);
  });

  test("keeps token ids where the identity says so", () => {
    const [bytes] = write(replica, { tokens: "kept" });
    expect(readLedger(bytes!).events.map(({ event }) => event)).toEqual(replica.steps.map(({ event }) => event));
  });

  test("a torn end loses only the unfinished frame", () => {
    const bytes = ledgerOf(replica).slice(0, frameEnds(ledgerOf(replica))[30]);
    const ends = frameEnds(bytes);
    for (let length = ends.at(-4)!; length <= bytes.length; length++) {
      const whole = ends.filter((end) => end <= length);
      const { events, tornBytes } = readLedger(bytes.subarray(0, length));
      expect(events.length).toBe(whole.length - 1);
      expect(tornBytes).toBe(length - whole.at(-1)!);
    }
  });

  test("a flipped bit is found, wherever it is", () => {
    const bytes = ledgerOf(replica).slice(0, frameEnds(ledgerOf(replica))[12]);
    const whole = readLedger(bytes).events;
    for (let bit = 0; bit < bytes.length * 8; bit += 37) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      // A length that grew looks like a torn end: what stands before it is right.
      const outcome = invalid(() => expect(whole.slice(0, -1)).toEqual(expect.arrayContaining([...readLedger(bytes).events])));
      expect(outcome === "valid" || outcome.includes("byte"), `bit ${bit}: ${outcome}`).toBe(true);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
  });

  test("no header, or another version's, is refused", () => {
    expect(invalid(() => readLedger(new Uint8Array()))).toContain("no whole header");
    expect(invalid(() => readLedger(ledgerOf(fleet).subarray(frameEnds(ledgerOf(fleet))[0])))).toContain("no header");
  });
});

describe("segments", () => {
  const segments = write(replica, { segmentBytesMax: 4_000 });
  const read = segments.map(readLedger);
  const whole = readLedger(ledgerOf(replica));

  test("join to the whole, in any order", () => {
    expect(segments.length).toBeGreaterThan(3);
    expect(joinLedger([...read].reverse()).events).toEqual(whole.events);
  });

  test("a gap between them is found", () => {
    expect(invalid(() => joinLedger(read.filter((_, i) => i !== 1)))).toContain("does not follow");
    expect(invalid(() => joinLedger([]))).toContain("no segment");
  });

  test("a replay starts from the snapshot of the first segment there is", () => {
    const made = (_header: unknown, state?: unknown): ReplayEngine => {
      const engine = replicaEngine(state as ReplicaState | undefined);
      return { step: (event, now) => engine.step(event as ReplicaEvent, now) };
    };
    const late = joinLedger(read.slice(2));
    expect(replayLedger(late, made)).toEqual({ events: late.events.length, hash: replayLedger(whole, made).hash });
  });
});

describe("replay", () => {
  const whole = readLedger(ledgerOf(fleet));
  const replayed = (ledger: Ledger) => replayLedger(ledger, engineOfRun(input));
  const altered = (index: number, change: (event: LedgerEvent<ReplicaEvent>["event"]) => object): Ledger => ({
    ...whole,
    events: whole.events.map((one) =>
      one.index === index ? { ...one, event: { ...one.event, ...change(one.event as ReplicaEvent) } as typeof one.event } : one,
    ),
  });

  test("of an unaltered ledger does not differ", () => {
    expect(replayed(whole).firstDivergence).toBeUndefined();
    expect(replayed(whole).events).toBe(fleet.steps.length);
  });

  test("names an altered event and what the engine did with it", () => {
    const index = whole.events.findIndex(({ event }) => event.type === "request-arrived");
    const { firstDivergence } = replayed(altered(index, () => ({ promptTokens: 9999 })));
    expect(firstDivergence?.index).toBe(index);
    expect(firstDivergence?.commands.length).toBeGreaterThan(0);
    expect(firstDivergence?.gotHash).not.toBe(firstDivergence?.expectedHash);
  });

  test("names an event that breaks a promise, with the promise", () => {
    const index = whole.events.findIndex(({ event }) => event.type === "message" && event.message.type === "token");
    const { firstDivergence } = replayed(
      altered(index, (event) => ({ message: { ...(event as { message: object }).message, index: 77 } })),
    );
    expect(firstDivergence?.index).toBe(index);
    expect(firstDivergence?.refusal).toContain("tokens come in order");
  });
});

function frameEnds(bytes: Uint8Array): number[] {
  const ends: number[] = [];
  for (let frame = readFrame(bytes, 0); frame.type === "frame"; frame = readFrame(bytes, frame.next)) ends.push(frame.next);
  return ends;
}
