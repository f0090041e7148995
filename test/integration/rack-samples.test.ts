/**
 * Goal: models of other people, cut into stages on two devices, give what they give whole. Method: pinned models of registry packages below 5 MB, held
 * against ONNX Runtime. Left out where `scripts/fetch-onnx-samples.ts` has not been run.
 */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ONNX_SAMPLES, sampleFile, sampleFolder } from "../../scripts/onnx-samples.ts";
import { loadGraph } from "../../src/sdk/load-graph.ts";
import { openRack } from "../../src/sdk/open-rack.ts";
import type { OpenRack, Tensor } from "../../src/sdk/sdk-types.ts";
import { feedsFor } from "../support/run-all-tensors.ts";
import { TWO_CPUS } from "../support/two-cpus.ts";

/** Largest difference, relative to an output's largest value. Measured: 0 for most, 6e-8 for the classifier. */
const CLOSE = 1e-5;
/** Its last sigmoid is steep: convolutions fused otherwise at a cut came to 2.6e-3. */
const STEEP: Readonly<Record<string, number>> = { "ch_PP-OCRv4_det_infer": 1e-2 };
const SMALL_BYTES = 5e6;
const RATE = { sr: new ort.Tensor("int64", BigInt64Array.of(16_000n), []) };
const TYPES: Readonly<Record<string, Tensor["type"]>> = {
  float32: "f32",
  int64: "i64",
  int32: "i32",
  bool: "bool",
  float64: "f64",
  uint8: "u8",
};

describe("published models on a rack", () => {
  let rack: OpenRack;
  beforeAll(async () => {
    rack = await openRack(TWO_CPUS, { isolation: "inline" });
  });
  afterAll(() => rack.close());

  const folder = sampleFolder(process.env);
  for (const wheel of ONNX_SAMPLES) {
    for (const sample of wheel.models) {
      const path = join(folder, sampleFile(wheel, sample));
      const there = existsSync(path);
      if (there && statSync(path).size > SMALL_BYTES) continue;
      test.skipIf(!there)(
        `${wheel.package} ${sample.path}${there ? "" : ", left out: not fetched"}`,
        async () => {
          const found = await loadGraph(path);
          // It may be cut anywhere: left to itself the cutter leaves whole what every device has room for.
          const graph = { ...found, cutAfter: found.program.graph.operators.map(({ name }) => name) };
          const feeds = feedsFor(graph.program.graph, { ...sample.sizes }, RATE);
          const inputs = Object.fromEntries(
            Object.entries(feeds).map(([name, { type, dims, data }]): [string, Tensor] => [
              name,
              { type: TYPES[type]!, dims, data: data as Float32Array },
            ]),
          );
          const session = await ort.InferenceSession.create(path, { logSeverityLevel: 3 });
          const whole = await session.run(feeds);
          const outputs = await rack.run(graph, inputs);
          const close = Object.entries(STEEP).find(([name]) => path.includes(name))?.[1] ?? CLOSE;
          for (const [name, { dims, data }] of Object.entries(whole)) {
            expect(outputs[name]?.dims).toEqual(dims);
            expect(differenceOf(data as Float32Array, outputs[name]!.data as Float32Array)).toBeLessThan(close);
          }
        },
        180_000,
      );
    }
  }

  test("the comparison sees a difference", () => {
    expect(differenceOf(Float32Array.of(1, 2), Float32Array.of(1, 2.2))).toBeCloseTo(0.1, 5);
  });
});

function differenceOf(expected: ArrayLike<number>, got: ArrayLike<number>): number {
  let [difference, largest] = [0, Number.MIN_VALUE];
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(Number(expected[i])));
    difference = Math.max(difference, Math.abs(Number(expected[i]) - Number(got[i])));
  }
  return difference / largest;
}
