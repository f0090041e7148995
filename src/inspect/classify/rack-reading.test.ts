/**
 * Goal: what is said of a model on a rack follows from shapes and data sheets.
 * Method: Llama-3.1-8B, DeepSeek-V3 and a model with windows worked out by hand; a crossing that forgets a tensor would be seen.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { graphOfOne } from "../../../test/support/one-operator.ts";
import { PUBLISHED } from "../../../test/support/published-models.ts";
import { controlModel } from "../../../test/support/tiny-onnx.ts";
import { bytesOf } from "../../base/bytes.ts";
import { graphOf } from "../../graph/architecture/build/build-architecture.ts";
import { architectureOf } from "../../graph/architecture/config/read-architecture.ts";
import type { Bindings } from "../../graph/ir/expression.ts";
import type { DataType, Graph } from "../../graph/ir/graph.ts";
import { readOnnx } from "../../graph/onnx/read-onnx.ts";
import { readRack } from "../../rack/rack-file.ts";
import { inspectGraph } from "../inspect-graph.ts";
import { inspect } from "../inspection.ts";
import { type DeviceReading, type RackReading, readOnRack } from "./rack-reading.ts";

/** 80 GiB. */
const H100_BYTES = 80 * 1024 ** 3;
const RACK = readRack(readFileSync(new URL("../../../examples/racks/unlike-devices.yaml", import.meta.url), "utf8"));

function reading(name: string, options: { type?: DataType; batch?: number; reserve?: number } = {}): RackReading {
  const { type = "bf16", batch = 1, reserve = 0.1 } = options;
  const architecture = architectureOf(PUBLISHED.find((model) => model.name === name)!.config);
  const inspection = inspect(architecture, { name, type, kvType: type, batch, prompt: undefined, context: undefined });
  const graph = graphOf(architecture, { name, type, kvType: type });
  const contextLength = architecture.kind === "recommender" ? undefined : architecture.contextLength;
  return readOnRack(graph, inspection, RACK, { reserve, contextLength });
}

function device(found: RackReading, id: string): DeviceReading {
  return found.devices.find((one) => one.id === id)!;
}

describe("Llama-3.1-8B", () => {
  const found = reading("Llama-3.1-8B");
  const [prefill, decode] = device(found, "h100").phases;

  it("multiplies in a prefill and streams in a decode step", () => {
    // 512 rows do 45.1 GFLOP of attention; weights of 83.9 MB and each operator's own inputs and outputs keep it just below the ridge of 295.
    expect(prefill!.stages.map(({ bound }) => bound)).toEqual(["bandwidth", "bandwidth", "compute", "bandwidth"]);
    expect(prefill!.stages[1]!.intensity.value).toBeGreaterThan(250);
    expect(decode!.stages.map(({ bound }) => bound)).toEqual(["latency", "bandwidth", "bandwidth", "bandwidth"]);
  });

  it("moves the residual stream in and out of every layer's part, once each", () => {
    const [embedding, attention, feedForward, head] = prefill!.stages;
    const stream = 512 * 4096 * 2;
    expect([embedding, attention, feedForward, head].map((stage) => stage!.crossingBytes)).toEqual([
      stream,
      2 * stream,
      2 * stream,
      stream,
    ]);
    expect(decode!.stages[1]!.crossingBytes).toBe(2 * 4096 * 2);
  });

  it("tells which share of the time what takes", () => {
    const [first, second] = decode!.shares;
    const launches = 2_500 + decode!.stages[0]!.allNs!;
    expect([first!.bound, second!.bound]).toEqual(["bandwidth", "latency"]);
    expect(first!.share).toBeCloseTo(1 - launches / decode!.estimateNs!, 9);
    expect(device(found, "npu").phases[1]!.shares).toEqual([]);
  });

  it("takes at least the time to read its weights", () => {
    // All weights but the table (525 M of 8.03 G parameters), 2 B each, at 3.35 TB/s.
    const least = ((8_030_261_248 - 525_336_576) * 2) / 3.35e12;
    expect(decode!.estimateNs! / 1e9).toBeGreaterThan(least);
    expect(decode!.estimateNs! / 1e9).toBeLessThan(1.2 * least);
  });

  it("fits as many sequences as memory less weights and reserve hold", () => {
    const { budget } = device(found, "h100");
    const free = H100_BYTES - H100_BYTES / 10 - 16_060_522_496;
    expect(budget).toMatchObject({ freeBytes: free, devicesForWeights: 1, reserveBytes: H100_BYTES / 10 });
    expect(budget.sequences.map(({ context }) => context)).toEqual([1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072]);
    for (const { context, sequences } of budget.sequences) expect(sequences).toBe(Math.floor(free / (context! * 131072)));
  });

  it("is refused an estimate where the device has no peak for its type, and given one where it has", () => {
    const npu = device(found, "npu");
    expect(npu.peak).toBeUndefined();
    expect(npu.peakNote).toContain("no peak for bf16");
    expect(npu.phases[0]!.estimateNs).toBeUndefined();
    const small = device(reading("Llama-3.1-8B", { type: "i4" }), "npu");
    expect(small.peakNote).toContain("run as i8");
    expect(small.phases[0]!.estimateNs).toBeGreaterThan(0);
  });
});

describe("state budgets", () => {
  it("say how many devices the weights need at least", () => {
    const { budget } = device(reading("DeepSeek-V3"), "h100");
    expect(budget.freeBytes).toBeLessThan(0);
    expect(budget.devicesForWeights).toBe(Math.ceil((671_026_419_200 * 2) / (0.9 * H100_BYTES)));
    expect(new Set(budget.sequences.map(({ sequences }) => sequences))).toEqual(new Set([0]));
  });

  it("keep a window's layers at the window", () => {
    const { sequences } = device(reading("Gemma-3-27B"), "xeon").budget;
    const perToken = 2 * 16 * 128 * 2;
    for (const { context, bytesPerSequence } of sequences) {
      expect(bytesPerSequence).toBe(perToken * (10 * context! + 52 * Math.min(context!, 1024)));
    }
  });

  it("end at the context the model takes", () => {
    const contexts = device(reading("Mistral-7B-v0.1"), "xeon").budget.sequences.map(({ context }) => context);
    expect(contexts).toEqual([1024, 2048, 4096, 8192, 16384, 32768]);
  });

  it("leave out what a model without state does not need", () => {
    expect(device(reading("BERT-base-uncased"), "xeon").budget.sequences).toEqual([]);
  });

  it("shrink by the reserve a user asks for", () => {
    const [small, large] = [0.5, 0].map((reserve) => device(reading("Llama-3.1-8B", { reserve }), "h100").budget.freeBytes);
    expect(large! - small!).toBe(H100_BYTES / 2);
  });
});

it("a larger batch raises a decode step from bytes towards the ridge", () => {
  const intensities = [1, 64, 512].map(
    (batch) => device(reading("Llama-3.1-8B", { batch }), "h100").phases[1]!.stages[2]!.intensity.value!,
  );
  expect(intensities[0]).toBeLessThan(1.1);
  expect(intensities[1]).toBeGreaterThan(50);
  expect(intensities[2]).toBeGreaterThan(295);
});

describe("graphs that were read from files", () => {
  function run(graph: Graph, sizes: Bindings = {}): RackReading {
    return readOnRack(graph, inspectGraph(graph, { name: "g", sizes }), RACK, { reserve: 0.1, contextLength: undefined });
  }

  it.each([1, 10])("launch what branches and loops hold, %d turns", (turns) => {
    const { graph } = readOnnx(bytesOf(controlModel()));
    const symbol = inspectGraph(graph, { name: "g", sizes: {} }).sizes!.find((size) => size.symbol.startsWith("turns"))!.symbol;
    const [phase] = device(run(graph, { batch: 3, [symbol]: turns }), "h100").phases;
    // The choice and the sum or product in it; the loop and one sum a turn: copies of flags and rows move nothing.
    expect(phase!.stages.reduce((sum, { launches }) => sum + launches, 0)).toBe(2 + 1 + turns);
  });

  it("are not called idle, nor given a time, where no rule says what they do", () => {
    const input = ["f32", [4, 4]] as const;
    const graph = graphOfOne({ type: "NobodyKnows", domain: "com.example", inputs: [input], outputs: [input] });
    const [phase] = device(run(graph), "h100").phases;
    expect(phase).toMatchObject({ estimateNs: undefined, unknownOperators: 1 });
    expect(phase!.stages[0]).toMatchObject({ bound: "unknown", unknownOperators: 1, estimateNs: undefined });
  });

  it("run their products at the peak of the type most weights have", () => {
    const graph = graphOfOne({
      type: "MatMul",
      inputs: [
        ["f32", [512, 1024]],
        ["w:f32", [1024, 1024]],
      ],
      outputs: [["f32", [512, 1024]]],
    });
    const [stage] = device(run(graph), "h100").phases[0]!.stages;
    expect(stage!.computeNs).toBeCloseTo((2 * 512 * 1024 * 1024 * 1e9) / 66.9e12, 6);
    expect(stage!.bytesNs).toBeCloseTo(((2 * 512 * 1024 + 1024 * 1024) * 4 * 1e9) / 3.35e12, 6);
    expect(stage!.crossingBytes).toBe(0);
  });
});
