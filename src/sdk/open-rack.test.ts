// Goal: a graph on a rack gives what it gives on one device, whatever the cut, the devices and the order of runs, and what is wrong is one clear error.
// Method: small graphs and decoders on two cpu devices in this process, held against plain arithmetic and the reference decoder.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readChromeTrace } from "../../test/support/read-chrome-trace.ts";
import { referenceLogits } from "../../test/support/reference-decoder.ts";
import { writeTinyGguf } from "../../test/support/tiny-gguf.ts";
import { TWO_CPUS } from "../../test/support/two-cpus.ts";
import { HeddleError } from "../base/heddle-error.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import { defineGraph } from "./define-graph.ts";
import { loadDecoder } from "./load-decoder.ts";
import { openRack } from "./open-rack.ts";
import type { Inputs, OpenRack, RackState, Tensor } from "./sdk-types.ts";
import { tensor } from "./tensor.ts";

const mlp = defineGraph("mlp", (g) => {
  const x = g.input("x", "f32", ["n", 2]);
  const y = g.op("MatMul", [x, g.weight("w", tensor([1, 2, 3, 4], [2, 2]))], { name: "product" });
  g.output("y", g.op("Relu", [y], { name: "relu" }));
});
/** Rows kept, the greatest of each column kept, and how many there were. */
const keeper = defineGraph("keeper", (g) => {
  const x = g.input("x", "f32", ["t", 2]);
  const rows = g.state("rows", "f32", ["past", 2], { capacity: 64 });
  const last = g.state("last", "f32", [1, 2]);
  const total = g.state("total", "f32", [2]);
  g.append(rows, x);
  g.write(
    last,
    g.op("Slice", [x, g.weight("from", tensor([-1], [1], "i64")), g.weight("to", tensor([2 ** 31 - 1], [1], "i64"))], { name: "last row" }),
  );
  g.reduce(total, g.op("ReduceSum", [x, g.weight("axes", tensor([0], [1], "i64"))], { attributes: { keepdims: 0 } }));
  g.output("before", g.op("Identity", [last], { name: "before" }));
  g.output("all", g.op("Concat", [rows, x], { attributes: { axis: 0 } }));
});
const values = ({ data }: Tensor): number[] => Array.from(data as Float32Array);

describe("openRack", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-sdk-"));
  const trace = join(folder, "trace.json");
  let rack: OpenRack;
  beforeAll(async () => {
    rack = await openRack(TWO_CPUS, { isolation: "inline", trace });
  });
  afterAll(async () => {
    await rack.close();
    rmSync(folder, { recursive: true });
  });

  it("runs a graph", async () => {
    const { y } = await rack.run(mlp, { x: tensor([1, 10, -1, -10], [2, 2]) });
    expect(y).toEqual({ type: "f32", dims: [2, 2], data: Float32Array.of(31, 42, 0, 0) });
  });

  it("hands outputs on before they are there, and pins where they are made", async () => {
    const first = rack.submit(mlp, { x: tensor([1, 0], [1, 2]) }, { pin: { product: "cpu-0", relu: "cpu-1" } });
    const second = rack.submit(mlp, { x: first.output("y") }, { pin: { "*": "cpu-0" } });
    expect(values((await second.outputs())["y"]!)).toEqual([7, 10]);
    const { stages, transfers } = await first.done;
    expect(stages.map(({ stage, device }) => [stage, device])).toEqual([
      ["mlp[product]", "cpu-0"],
      ["mlp[relu]", "cpu-1"],
    ]);
    expect(transfers.map(({ from, to, bytes }) => [from, to, bytes])).toContainEqual(["cpu-0", "cpu-1", 8]);
    expect(values(await first.output("y").read())).toEqual([1, 2]);
    first.output("y").release();
    await expect(rack.run(mlp, { x: first.output("y") })).rejects.toMatchObject({ code: "input-invalid", detail: "it was released" });
  });

  it("lets a run have an output that is released as soon as the run was asked for", async () => {
    const first = rack.submit(mlp, { x: tensor([1, 0], [1, 2]) }).output("y");
    const second = rack.submit(mlp, { x: first });
    first.release();
    expect(values((await second.outputs())["y"]!)).toEqual([7, 10]);
  });

  it("gives results of a stream in order, from both devices, however it is given", async () => {
    const elements = Array.from({ length: 20 }, (_unused, i): Inputs => ({ x: tensor([i, 0], [1, 2]) }));
    const got: number[] = [];
    for await (const { y } of rack.stream(mlp, elements, { inFlight: 5 })) got.push(values(y!)[0]!);
    expect(got).toEqual(elements.map((_unused, i) => i));
  });

  it("keeps states: rows appended, values written, contributions added up; forks go their own way", async () => {
    const state = rack.state(keeper, { name: "s" });
    const run = (x: number[], to: RackState) => rack.run(keeper, { x: tensor(x, [x.length / 2, 2]) }, { state: to });
    const first = await run([1, 2, 3, 4], state);
    expect([values(first["before"]!), values(first["all"]!)]).toEqual([
      [0, 0],
      [1, 2, 3, 4],
    ]);
    const fork = state.fork();
    const second = await run([5, 6], state);
    expect([values(second["before"]!), values(second["all"]!)]).toEqual([
      [3, 4],
      [1, 2, 3, 4, 5, 6],
    ]);
    const other = await run([7, 8], fork);
    expect([values(other["before"]!), values(other["all"]!)]).toEqual([
      [3, 4],
      [1, 2, 3, 4, 7, 8],
    ]);
    expect(values(await state.read("rows"))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(values(await fork.read("rows"))).toEqual([1, 2, 3, 4, 7, 8]);
    expect(values(await state.read("total"))).toEqual([9, 12]);
    expect(values(await fork.read("total"))).toEqual([11, 14]);
    fork.release();
    await expect(run([1, 1], fork)).rejects.toThrow("not used after its release");
    const begun = rack.state(keeper, { initial: { rows: tensor([9, 9], [1, 2]) } });
    expect(values((await run([1, 1], begun))["all"]!)).toEqual([9, 9, 1, 1]);
    expect(() => rack.state(keeper, { initial: { rows: tensor([1], [1, 1]) } })).toThrow("wants f32 [up to 64 rows, 2], got f32 [1, 1]");
  });

  it("decodes as the reference does, layers on both devices, in prompts and single tokens", async () => {
    const path = writeTinyGguf(join(folder, "tiny.gguf"), { layers: 3 });
    const graph = await loadDecoder(path, { contextLength: 64 });
    const tokens = [3, 141, 59, 26];
    const model = openDecoderModel(path);
    const state = rack.state(graph);
    const pin = { "layers.1.*": "cpu-1", "layers.2.*": "cpu-0" };
    for (let at = 0; tokens.length < 16; ) {
      const fresh = tokens.slice(at);
      const inputs = {
        tokens: tensor(fresh, undefined, "i64"),
        positions: tensor(
          fresh.map((_unused, i) => at + i),
          undefined,
          "i64",
        ),
      };
      const { logits } = await rack.run(graph, inputs, { state, pin });
      at = tokens.length;
      tokens.push(likeliest(logits!.data as Float32Array));
      expect(tokens.at(-1)).toBe(likeliest(referenceLogits(model, tokens.slice(0, -1)).at(-1)!));
    }
    const stages = await rack.stages(graph, { pin });
    expect(stages.flatMap(({ operators }) => operators)).toHaveLength(graph.program.graph.operators.length);
    expect((await state.read("k.2")).dims).toEqual([15, 32]);
  });

  it("says what is wrong with inputs, pins and calls", async () => {
    const wrong: [Promise<unknown>, string, string][] = [
      [rack.run(mlp, {}), "input-invalid", "not given"],
      [rack.run(mlp, { x: tensor([1], [1]) }), "input-invalid", "wants f32 [n, 2], got [1]"],
      [rack.run(mlp, { x: tensor([1, 2, 3], [1, 3]) }), "input-invalid", "got [1, 3]"],
      [rack.run(mlp, { x: tensor([1, 2], [1, 2], "i32") }), "input-invalid", "got i32"],
      [rack.run(mlp, { x: tensor([1, 2], [1, 2]), y: tensor([1]) }), "input-invalid", "its inputs are x"],
      [rack.run(mlp, { x: tensor([1, 2], [1, 2]) }, { pin: { product: "gpu" } }), "device-missing", "cpu-0, cpu-1"],
      [rack.run(mlp, { x: tensor([1, 2], [1, 2]) }, { pin: { "prod?": "cpu-0" } }), "pin-impossible", "no operator"],
      [rack.run(mlp, { x: tensor([1, 2], [1, 2]) }, { pin: { "*": "cpu-0", relu: "cpu-1" } }), "pin-impossible", "pinned to cpu-0 as well"],
      [rack.run(mlp, { x: tensor([1, 2], [1, 2]) }, { signal: AbortSignal.abort() }), "cancelled", "cancelled"],
    ];
    for (const [run, code, message] of wrong) {
      await expect(run).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    }
    expect(() => rack.submit(mlp, { x: tensor([1, 2], [1, 2]) }).output("z")).toThrow("its outputs are y");
    // None of it harmed the rack.
    expect(values((await rack.run(mlp, { x: tensor([1, 0], [1, 2]) }))["y"]!)).toEqual([1, 2]);
  });

  it("cancels a run that is under way, and nothing else", async () => {
    const stop = new AbortController();
    const cancelled = rack.submit(mlp, { x: tensor([1, 0], [1, 2]) }, { signal: stop.signal });
    const reader = rack.submit(mlp, { x: cancelled.output("y") });
    const other = rack.run(mlp, { x: tensor([1, 0], [1, 2]) });
    stop.abort();
    await expect(cancelled.outputs()).rejects.toMatchObject({ code: "cancelled" });
    await expect(reader.outputs()).rejects.toBeInstanceOf(HeddleError);
    expect(values((await other)["y"]!)).toEqual([1, 2]);
  });

  it("runs functions of the host between graphs", async () => {
    const double = rack.task("double", ({ x }) => ({
      x: tensor(
        values(x!).map((one) => 2 * one),
        [1, 2],
      ),
    }));
    const run = rack.submit(mlp, { x: tensor([1, 0], [1, 2]) });
    const doubled = double({ x: run.output("y") });
    expect(values((await rack.run(mlp, { x: await doubled.output("x") }))["y"]!)).toEqual([14, 20]);
    const failing = rack.task("bad", () => {
      throw new RangeError("no");
    });
    await expect(failing({}).done).rejects.toMatchObject({ code: "device-failed", message: expect.stringContaining("task bad") });
  });

  it("reports what ran, and writes a timeline that viewers can draw", async () => {
    const own = await openRack(TWO_CPUS, { isolation: "inline", trace });
    await own.run(mlp, { x: tensor([1, 0], [1, 2]) }, { pin: { product: "cpu-0", relu: "cpu-1" } });
    const { devices, transfers, models } = own.report();
    expect(devices.map(({ id, up, tasks }) => [id, up, tasks])).toEqual([
      ["cpu-0", true, 1],
      ["cpu-1", true, 1],
    ]);
    expect(transfers.map(({ from, to, count }) => [from, to, count])).toEqual([
      ["front-end", "cpu-0", 1],
      ["cpu-0", "cpu-1", 1],
      ["cpu-1", "front-end", 1],
    ]);
    expect(models.map(({ stage, device, runs, uncalibrated }) => [stage, device, runs, uncalibrated])).toEqual([
      ["mlp[product]", "cpu-0", 1, false],
      ["mlp[relu]", "cpu-1", 1, false],
    ]);
    await own.close();
    await expect(own.run(mlp, { x: tensor([1, 0], [1, 2]) })).rejects.toMatchObject({ code: "cancelled" });
    const { slices, flows, flaws } = readChromeTrace(readFileSync(trace, "utf8"));
    expect(flaws).toEqual([]);
    expect(slices.map(({ kind }) => kind).sort()).toEqual(["load", "load", "run", "run", "transfer", "transfer", "transfer"]);
    expect(flows).toBeGreaterThanOrEqual(4);
  });
});

function likeliest(logits: Float32Array): number {
  return logits.reduce((best, value, i) => (value > logits[best]! ? i : best), 0);
}
