/**
 * Goal: a decoder over several devices is the decoder on one: equal tokens and logits, states that stay with their members, collectives that are seen,
 * and the loss of a member in the middle costs time, not results. Method: a tiny model with ONNX Runtime in two and three worker processes against the
 * same file on one device; one process is ended with SIGKILL between the first and the last step of a member's run.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readLedger } from "../../src/engine/ledger-reader.ts";
import { replayLedger } from "../../src/engine/replay.ts";
import { engineOfLedger } from "../../src/engine/replay-engine.ts";
import { compiledEntry } from "../../src/execute/discover/compiled-entry.ts";
import type { Rack } from "../../src/rack/rack.ts";
import { loadDecoder } from "../../src/sdk/load-decoder.ts";
import { openRack } from "../../src/sdk/open-rack.ts";
import type { DecoderGraph, OpenRack, RackEvent, RackOptions, RackState, RunSummary } from "../../src/sdk/sdk-types.ts";
import { largestDifference, likeliest, rackOfCpus, stepInputs } from "../support/decode-on-rack.ts";
import { readChromeTrace } from "../support/read-chrome-trace.ts";
import { type TinyModelOptions, tinyGguf } from "../support/tiny-gguf.ts";

const TIMEOUT_MS = 120_000;
/** f32 sums in another order, relative to the largest logit. */
const CLOSE = 1e-5;
const PROMPT = [3, 141, 59, 26, 53];
const STEPS = 12;
/** Tellings in a row, one every 20 ms, after which what a worker holds has settled. */
const SETTLED_TELLINGS = 12;
const folder = mkdtempSync(join(tmpdir(), "heddle-rack-gang-"));
afterAll(() => rmSync(folder, { recursive: true }));

const TWO: TinyModelOptions = {};
const THREE: TinyModelOptions = { width: 96, heads: 6, kvHeads: 3, headDim: 16, feedForward: 288 };

function modelFile(name: string, options: TinyModelOptions): string {
  const path = join(folder, `${name}.gguf`);
  writeFileSync(path, tinyGguf(options));
  return path;
}

/** ONNX Runtime in a process that writes, every few milliseconds, what its device holds, and that dies in its next run where `dieInRun` asked for it. */
function toldDriver(id: string, opens = Infinity): string {
  const path = join(folder, `${id}.mjs`);
  const byName = compiledEntry("device/device-driver-by-name").href;
  writeFileSync(
    path,
    `import { existsSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
const ort = await (await import(${JSON.stringify(byName)})).deviceDriverByName("ort");
export const driver = { ...ort, open: async (...given) => {
  const before = existsSync(${JSON.stringify(`${path}.opened`)}) ? Number(readFileSync(${JSON.stringify(`${path}.opened`)}, "utf8")) : 0;
  if (before >= ${opens}) throw new Error("it does not come back");
  writeFileSync(${JSON.stringify(`${path}.opened`)}, String(before + 1));
  const device = await ort.open(...given);
  const load = device.load.bind(device);
  device.load = async (compiled) => {
    const stage = await load(compiled);
    const run = stage.run.bind(stage);
    stage.run = (inputs) => {
      if (existsSync(${JSON.stringify(`${path}.die`)})) {
        unlinkSync(${JSON.stringify(`${path}.die`)});
        process.kill(process.pid, "SIGKILL");
      }
      return run(inputs);
    };
    return stage;
  };
  let tellings = 0;
  setInterval(() => {
    writeFileSync(${JSON.stringify(`${path}.next`)}, JSON.stringify({ pid: process.pid, telling: ++tellings, ...device.telemetry() }));
    renameSync(${JSON.stringify(`${path}.next`)}, ${JSON.stringify(`${path}.json`)});
  }, 20).unref();
  return device;
} };
`,
  );
  return path;
}

/** Has the worker end itself when its next run begins, in the middle of what its gang does however fast or slow the machine is. */
function dieInRun(id: string): void {
  writeFileSync(join(folder, `${id}.mjs.die`), "");
}

interface Told {
  readonly pid: number;
  readonly telling: number;
  readonly heldBytes: number;
}

function told(id: string): Told {
  return JSON.parse(readFileSync(join(folder, `${id}.mjs.json`), "utf8")) as Told;
}

/** What workers hold once each has told the same often enough since the call: on a busy machine no time says so. */
async function settled(ids: readonly string[]): Promise<number[]> {
  const last = ids.map((id) => ({ ...told(id), alike: 0 }));
  while (last.some(({ alike }) => alike < SETTLED_TELLINGS)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    for (const [member, id] of ids.entries()) {
      const now = told(id);
      const before = last[member]!;
      if (now.pid === before.pid && now.telling === before.telling) continue;
      last[member] = { ...now, alike: now.heldBytes === before.heldBytes ? before.alike + 1 : 0 };
    }
  }
  return last.map(({ heldBytes }) => heldBytes);
}

interface Decoded {
  readonly tokens: readonly number[];
  readonly logits: readonly Float32Array[];
  readonly summaries: readonly RunSummary[];
}

/** A prompt, then the likeliest token again and again. */
async function decode(
  rack: OpenRack,
  graph: DecoderGraph,
  given: {
    readonly state?: RackState;
    readonly pin?: Record<string, string>;
    readonly steps?: number;
    readonly before?: (step: number) => void;
  } = {},
): Promise<Decoded> {
  const { state = rack.state(graph), pin = {}, steps = STEPS, before } = given;
  const logits: Float32Array[] = [];
  const summaries: RunSummary[] = [];
  const tokens = [...PROMPT];
  for (let step = 0; step < steps; step++) {
    before?.(step);
    const run = rack.submit(graph, stepInputs(tokens, step === 0 ? 0 : tokens.length - 1), { state, pin });
    const row = (await run.outputs())["logits"]!.data as Float32Array;
    summaries.push(await run.done);
    logits.push(row);
    tokens.push(likeliest(row));
  }
  if (given.state === undefined) state.release();
  return { tokens, logits, summaries };
}

async function alone(path: string): Promise<Decoded> {
  const rack = await openRack(rackOfCpus(1), { isolation: "inline" });
  const decoded = await decode(rack, await loadDecoder(path));
  await rack.close();
  return decoded;
}

function children(): number[] {
  return readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

describe("a decoder over several devices of a rack", () => {
  it.each([
    [2, TWO],
    [3, THREE],
  ] as const)(
    "%i processes: tokens and logits of one device; collectives in trace, summary and report; the ledger replays",
    {
      timeout: TIMEOUT_MS,
    },
    async (size, options) => {
      const path = modelFile(`tiny-${size}`, options);
      const expected = await alone(path);
      const [trace, ledger] = [join(folder, `${size}.trace.json`), join(folder, `${size}-ledger`)];
      const rack = await openRack(rackOfCpus(size), { trace, ledger });
      const graph = await loadDecoder(path, { tensorParallel: size });
      const got = await decode(rack, graph);
      expect(got.tokens).toEqual(expected.tokens);
      expect(largestDifference(got.logits, expected.logits)).toBeLessThan(CLOSE);
      // The comparison can fail.
      expect(largestDifference(got.logits.slice(1), expected.logits)).toBeGreaterThan(CLOSE);

      // Two sums a layer and the gathering of logits; keys and values moved nowhere after the first run.
      const collectives = 2 * graph.layers + (graph.vocabulary % size === 0 ? 1 : 0);
      const ids = Array.from({ length: size }, (_unused, core) => `cpu-${core}`);
      for (const [step, { stages, transfers }] of got.summaries.entries()) {
        expect(stages).toMatchObject([{ device: ids.join(", "), retries: 0 }]);
        expect(stages[0]!.members).toMatchObject(ids.map((device) => ({ device, collectives })));
        for (const { runNs, collectiveNs, collectiveBytes } of stages[0]!.members!) {
          expect(Math.min(runNs, collectiveNs, collectiveBytes)).toBeGreaterThan(0);
        }
        if (step > 0)
          expect(transfers.map(({ tensor: name }) => name.replace(/^.* /, "")).filter((name) => name.includes("@"))).toEqual([]);
      }
      const report = rack.report();
      expect(report.collectives).toMatchObject([{ devices: ids, count: STEPS * collectives }]);
      expect(report.devices.map(({ tasks }) => tasks)).toEqual(ids.map(() => STEPS));
      expect(report.models.map(({ runs }) => runs)).toEqual(ids.map(() => STEPS));
      await rack.close();

      const { slices, flaws } = readChromeTrace(readFileSync(trace, "utf8"));
      expect(flaws).toEqual([]);
      for (const id of ids) {
        const own = slices.filter(({ kind, thread }) => kind === "collective" && thread === id);
        expect(own).toHaveLength(STEPS * collectives);
        for (const { args } of own) expect(Math.min(Number(args["bytes"]), Number(args["ns"]))).toBeGreaterThan(0);
        expect(slices.filter(({ kind, thread, name }) => kind === "compute" && thread === id && name === "layers.0.ffn")).toHaveLength(
          STEPS,
        );
      }
      const traced = slices.filter(({ kind }) => kind === "collective").reduce((sum, { args }) => sum + Number(args["bytes"]), 0);
      expect(report.collectives[0]!.bytes).toBe(traced / 2);

      const recorded = readLedger(readFileSync(join(ledger, "rack.ledger")));
      expect(replayLedger(recorded, engineOfLedger)).toMatchObject({ events: recorded.events.length });
      expect(replayLedger(recorded, engineOfLedger).firstDivergence).toBeUndefined();
      // Tasks of one device instead: other decisions.
      const alonely = recorded.events.map((one) => {
        const { event } = one;
        if (event.type !== "submitted") return one;
        return { ...one, event: { ...event, tasks: event.tasks.map(({ gang: _gang, ...task }) => task) } };
      });
      expect(replayLedger({ ...recorded, events: alonely as typeof recorded.events }, engineOfLedger).firstDivergence).toBeDefined();
    },
  );

  it("survives the loss of a member in the middle of a run: equal results, nothing stays behind", { timeout: TIMEOUT_MS }, async () => {
    const path = modelFile("tiny-kill", TWO);
    const expected = await alone(path);
    const before = new Set(children());
    const events: RackEvent[] = [];
    const ids = ["one", "two"];
    const devices: RackOptions["devices"] = ids.map((id) => ({ device: { id }, driver: toldDriver(id) }));
    const empty: Rack = { ...rackOfCpus(0), memories: [] };
    const rack = await openRack(empty, { devices, onEvent: (event) => events.push(event) });
    const graph = await loadDecoder(path, { tensorParallel: 2 });
    await decode(rack, graph, { steps: 2 });
    const weights = await settled(ids);
    const state = rack.state(graph);
    const got = await decode(rack, graph, {
      state,
      before: (step) => {
        if (step === 3) dieInRun("two");
        // The other one is lost wherever it is a moment later.
        const { pid } = told("one");
        if (step === 7) setTimeout(() => process.kill(pid, "SIGKILL"), 3);
      },
    });
    expect(got.tokens).toEqual(expected.tokens);
    expect(largestDifference(got.logits, expected.logits)).toBeLessThan(CLOSE);
    expect(events.filter(({ type }) => type === "device-down")).toHaveLength(2);
    expect(got.summaries.some(({ stages }) => stages[0]!.retries > 0)).toBe(true);
    // Keys and values are there, and then nothing but weights.
    const rows = await settled(ids);
    expect(rows.every((bytes, member) => bytes > weights[member]!)).toBe(true);
    state.release();
    expect(await settled(ids)).toEqual(weights);
    await rack.close();
    expect(children().filter((pid) => !before.has(pid))).toEqual([]);
  });

  it("goes on with another device where one does not come back", { timeout: TIMEOUT_MS }, async () => {
    const path = modelFile("tiny-gone", TWO);
    const expected = await alone(path);
    const events: RackEvent[] = [];
    const devices = ["here", "gone", "spare"].map((id) => ({ device: { id }, driver: toldDriver(id, id === "gone" ? 1 : Infinity) }));
    const rack = await openRack({ ...rackOfCpus(0), memories: [] }, { devices, onEvent: (event) => events.push(event) });
    const graph = await loadDecoder(path, { tensorParallel: 2 });
    const got = await decode(rack, graph, {
      before: (step) => {
        if (step === 4) setTimeout(() => process.kill(told("gone").pid, "SIGKILL"), 3);
      },
    });
    const members = got.summaries.map(({ stages }) => stages[0]!.device);
    expect(members[0]).toBe("here, gone");
    expect(members.at(-1)).toBe("here, spare");
    expect(got.tokens).toEqual(expected.tokens);
    expect(largestDifference(got.logits, expected.logits)).toBeLessThan(CLOSE);
    expect(events.filter(({ type }) => type === "device-up")).toEqual([]);
    await rack.close();
  });

  it("can be cancelled in the middle; later runs are not touched", { timeout: TIMEOUT_MS }, async () => {
    const path = modelFile("tiny-cancel", TWO);
    const expected = await alone(path);
    const rack = await openRack(rackOfCpus(2), { isolation: "thread" });
    const graph = await loadDecoder(path, { tensorParallel: 2 });
    expect((await decode(rack, graph, { steps: 2 })).tokens).toEqual(expected.tokens.slice(0, PROMPT.length + 2));
    for (const delayMs of [0, 2, 5]) {
      const abort = new AbortController();
      const state = rack.state(graph);
      const run = rack.submit(graph, stepInputs(PROMPT, 0), { state, signal: abort.signal });
      const ended = run.outputs().catch((error: { code: string }) => error.code);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      abort.abort();
      // It may have been done before.
      const end = await ended;
      if (delayMs === 0) expect(end).toBe("cancelled");
      else if (typeof end === "string") expect(end).toBe("cancelled");
      state.release();
    }
    const after = await decode(rack, graph);
    expect(after.tokens).toEqual(expected.tokens);
    await rack.close();
  });

  it("runs several sequences at once, in gangs and alone, on three devices", { timeout: TIMEOUT_MS }, async () => {
    const path = modelFile("tiny-many", TWO);
    const expected = await alone(path);
    const rack = await openRack(rackOfCpus(3), { isolation: "thread" });
    const [pair, single] = [await loadDecoder(path, { tensorParallel: 2 }), await loadDecoder(path)];
    const all = await Promise.all([pair, single, pair, pair, single].map((graph) => decode(rack, graph)));
    for (const { tokens, logits } of all) {
      expect(tokens).toEqual(expected.tokens);
      expect(largestDifference(logits, expected.logits)).toBeLessThan(CLOSE);
    }
    await rack.close();
  });

  it("runs on the members that pins name; states can be read and forked", { timeout: TIMEOUT_MS }, async () => {
    const path = modelFile("tiny-pin", TWO);
    const expected = await alone(path);
    const rack = await openRack(rackOfCpus(3), { isolation: "inline" });
    const graph = await loadDecoder(path, { tensorParallel: 2 });
    const pinned = await decode(rack, graph, { pin: { "rank.0": "cpu-2", "rank.1": "cpu-0" }, steps: 3 });
    expect(pinned.summaries.map(({ stages }) => stages[0]!.device)).toEqual(Array(3).fill("cpu-2, cpu-0"));
    expect(largestDifference(pinned.logits, expected.logits.slice(0, 3))).toBeLessThan(CLOSE);
    const half = await decode(rack, graph, { pin: { "rank.1": "cpu-1" }, steps: 2 });
    expect(half.summaries[1]!.stages[0]!.device).toBe("cpu-0, cpu-1");
    // A state follows its members.
    const places = [
      { "rank.0": "cpu-2", "rank.1": "cpu-0" },
      { "rank.0": "cpu-0", "rank.1": "cpu-1" },
    ];
    const moved = rack.state(graph);
    const rows: Float32Array[] = [];
    for (const [step, token] of expected.tokens.slice(0, 4).entries()) {
      const run = rack.submit(graph, stepInputs(expected.tokens.slice(0, step + 1), step), { state: moved, pin: places[step % 2]! });
      rows.push((await run.outputs())["logits"]!.data as Float32Array);
      expect(token).toBe(PROMPT[step]);
    }
    const still = rack.state(graph);
    const whole = await rack.run(graph, stepInputs(PROMPT.slice(0, 4), 0), { state: still });
    expect(largestDifference(rows.slice(-1), [whole["logits"]!.data as Float32Array])).toBeLessThan(CLOSE);
    expect(largestDifference(rows.slice(0, 1), [whole["logits"]!.data as Float32Array])).toBeGreaterThan(CLOSE);
    const state = rack.state(graph);
    await decode(rack, graph, { state, steps: 2 });
    const fork = state.fork();
    expect((await fork.read("k.0@1")).dims).toEqual((await state.read("k.0@1")).dims);
    expect((await fork.read("k.0@1")).data).toEqual((await state.read("k.0@1")).data);
    expect((await fork.read("k.0@1")).dims).toEqual([PROMPT.length + 1, 16]);
    await rack.close();
  });

  it("says what is impossible, by name", { timeout: TIMEOUT_MS }, async () => {
    const path = modelFile("tiny-refused", TWO);
    await expect(loadDecoder(path, { tensorParallel: 3 })).rejects.toMatchObject({
      code: "gang-impossible",
      detail: "its 4 query heads do not divide by 3",
    });
    await expect(loadDecoder(path, { tensorParallel: 1.5 })).rejects.toMatchObject({ code: "input-invalid" });
    const graph = await loadDecoder(path, { tensorParallel: 2 });
    const inputs = stepInputs([1], 0);
    const unlike = await openRack(
      rackOfCpus(2, (core) => ({ threads: core + 1 })),
      { isolation: "inline" },
    );
    const ran = unlike.run(graph, inputs, { state: unlike.state(graph) });
    await expect(ran).rejects.toMatchObject({
      code: "gang-impossible",
      detail: "2 devices that are alike are needed; alike are: cpu-0; cpu-1",
    });
    const pinned = (pin: Record<string, string>): Promise<unknown> => unlike.run(graph, inputs, { state: unlike.state(graph), pin });
    await expect(pinned({ "rank.0": "cpu-0", "rank.1": "cpu-1" })).rejects.toMatchObject({ code: "pin-impossible", where: "rank.1=cpu-1" });
    await expect(pinned({ "rank.*": "cpu-0" })).rejects.toMatchObject({ code: "pin-impossible" });
    await expect(pinned({ "rank.0": "cpu-0" })).rejects.toMatchObject({ code: "pin-impossible" });
    await expect(pinned({ "rank.7": "cpu-0" })).rejects.toMatchObject({ code: "pin-impossible" });
    await unlike.close();
  });
});
