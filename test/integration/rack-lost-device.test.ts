// Goal: the loss of a device's process costs time, not results. Method: two devices in processes of their own; one is killed with SIGKILL while a graph of
// 40 stages runs and while states are appended to; results equal those of one device that was not disturbed.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seededPrng } from "../../src/base/prng.ts";
import { readLedger } from "../../src/engine/ledger-reader.ts";
import { replayLedger } from "../../src/engine/replay.ts";
import { engineOfLedger } from "../../src/engine/replay-engine.ts";
import type { Rack } from "../../src/rack/rack.ts";
import { defineGraph } from "../../src/sdk/define-graph.ts";
import { openRack } from "../../src/sdk/open-rack.ts";
import type { OpenRack, Outputs, RackEvent, RackState, RunnableGraph, Tensor } from "../../src/sdk/sdk-types.ts";
import { tensor } from "../../src/sdk/tensor.ts";

const WIDTH = 48;
const STEPS = 40;
const RUNS = 6;
/** Signals neither die out nor blow up over forty products. */
const GAIN = 0.6;

function rackOf(devices: number): Rack {
  return {
    version: 1,
    name: `${devices} cpus`,
    fingerprint: "any",
    devices: Array.from({ length: devices }, (_unused, core) => ({
      id: `cpu-${core}`,
      kind: "cpu",
      driver: "ort",
      threads: 1,
      cores: [core],
      memory: "dram",
    })),
    memories: [{ id: "dram", tier: "dram", capacityBytes: 4e9, bandwidthBytesPerSecond: 1e10, basis: "data-sheet", source: "assumed" }],
    links: [],
  };
}

/** Forty products with a nonlinearity; every tenth one also keeps its rows. */
const graph: RunnableGraph = defineGraph("forty steps", (g) => {
  const prng = seededPrng(7);
  let x = g.input("x", "f32", ["t", WIDTH]);
  for (let step = 0; step < STEPS; step++) {
    const weight = Float32Array.from({ length: WIDTH * WIDTH }, () => (prng.nextFloat() - 0.5) * GAIN);
    const product = g.op("MatMul", [x, g.weight(`w${step}`, tensor(weight, [WIDTH, WIDTH]))], { name: `step ${step}` });
    x = g.op("Tanh", [product], { name: `step ${step} tanh` });
    if (step % 10 !== 9) continue;
    const rows = g.state(`rows ${step}`, "f32", ["past", WIDTH], { capacity: 256 });
    g.append(rows, x);
    const mean = g.op("ReduceMean", [g.op("Concat", [rows, x], { name: `step ${step} all`, attributes: { axis: 0 } })], {
      name: `step ${step} mean`,
      attributes: { axes: [0], keepdims: 1 },
    });
    x = g.op("Add", [x, mean], { name: `step ${step} sum` });
  }
  g.output("y", x);
});
/** Neighbours on different devices: every step is a stage of its own. */
const pin = Object.fromEntries(
  graph.program.graph.operators.flatMap(({ name }) => {
    const step = Number(/^step (\d+)/.exec(name)?.[1]);
    return Number.isInteger(step) ? [[name, `cpu-${step % 2}`]] : [];
  }),
);

const inputOf = (run: number): Tensor =>
  tensor(
    Float32Array.from({ length: 2 * WIDTH }, (_unused, i) => ((run * 31 + i * 17) % 23) / 23),
    [2, WIDTH],
  );

async function allRuns(rack: OpenRack, state: RackState, pins: Record<string, string>): Promise<Outputs[]> {
  const runs = Array.from({ length: RUNS }, (_unused, run) => rack.submit(graph, { x: inputOf(run) }, { state, pin: pins }));
  return Promise.all(runs.map((run) => run.outputs()));
}

describe("a rack that loses a device's process", () => {
  let expected: { outputs: Outputs[]; rows: Tensor };
  beforeAll(async () => {
    const one = await openRack(rackOf(1), { isolation: "inline" });
    const state = one.state(graph);
    expected = { outputs: await allRuns(one, state, {}), rows: await state.read("rows 29") };
    await one.close();
  });

  let rack: OpenRack | undefined;
  afterAll(() => rack?.close());

  it("gives the results of a single device, states included, and no process stays behind", async () => {
    const events: RackEvent[] = [];
    let finished = 0;
    const before = new Set(children());
    const ledger = mkdtempSync(join(tmpdir(), "heddle-rack-"));
    rack = await openRack(rackOf(2), {
      ledger,
      onEvent: (event) => {
        events.push(event);
        if (event.type !== "task-finished" || ++finished !== STEPS + 15) return;
        const own = children().filter((pid) => !before.has(pid));
        process.kill(own.at(-1)!, "SIGKILL");
      },
    });
    expect(children().filter((pid) => !before.has(pid))).toHaveLength(2);
    const state = rack.state(graph);
    const outputs = await allRuns(rack, state, pin);
    expect(events.filter(({ type }) => type === "device-down" || type === "device-up").map(({ type }) => type)).toEqual([
      "device-down",
      "device-up",
    ]);
    for (const [run, { y }] of outputs.entries()) expect(differs(y!, expected.outputs[run]!["y"]!)).toBe(false);
    expect(differs(await state.read("rows 29"), expected.rows)).toBe(false);
    // The comparison can fail.
    expect(differs(outputs[0]!["y"]!, expected.outputs[1]!["y"]!)).toBe(true);
    await rack.close();
    expect(children().filter((pid) => !before.has(pid))).toEqual([]);

    // Every decision of the run, the loss included, follows again from what was recorded.
    const recorded = readLedger(readFileSync(join(ledger, "rack.ledger")));
    expect(recorded.events.map(({ event }) => event.type)).toContain("host-lost");
    expect(replayLedger(recorded, engineOfLedger)).toMatchObject({ events: recorded.events.length });
    expect(replayLedger(recorded, engineOfLedger).firstDivergence).toBeUndefined();
    const shorter = recorded.events.filter(({ event }, at) => at < 300 || event.type !== "task-finished");
    expect(replayLedger({ ...recorded, events: shorter }, engineOfLedger).firstDivergence).toBeDefined();
    rmSync(ledger, { recursive: true });
  });
});

function children(): number[] {
  return readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

/** Stages of one step or of many sum in the same order: equal to a rounding. */
function differs(left: Tensor, right: Tensor): boolean {
  const [a, b] = [left.data as Float32Array, right.data as Float32Array];
  return left.dims.join() !== right.dims.join() || a.some((value, i) => Math.abs(value - b[i]!) > 1e-5);
}
