/**
 * Goal: shapes inferred for models of other people are those that run. Method: pinned models of registry packages, every tensor made an
 * output of ONNX Runtime. Left out where `scripts/fetch-onnx-samples.ts` has not been run.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { ONNX_SAMPLES, sampleFile, sampleFolder } from "../../scripts/onnx-samples.ts";
import { bytesOf } from "../../src/base/bytes.ts";
import { readOnnx } from "../../src/graph/onnx/read-onnx.ts";
import { feedsFor, runAllTensors, scoreShapes } from "../support/run-all-tensors.ts";

/** Share of the tensors that run whose shape and type were inferred and agree. */
const FLOOR = 0.99;
/** Samples a second that voice detectors ask for. */
const RATE = { sr: new ort.Tensor("int64", BigInt64Array.of(16_000n), []) };

const folder = sampleFolder(process.env);
for (const wheel of ONNX_SAMPLES) {
  for (const sample of wheel.models) {
    const path = join(folder, sampleFile(wheel, sample));
    const there = existsSync(path);
    test.skipIf(!there)(`${wheel.package} ${sample.path}${there ? "" : ", left out: not fetched"}`, async () => {
      const file = readFileSync(path);
      const sizes = { ...sample.sizes };
      // Sizes are left open but where a choice depends on them: voice detectors drop an axis when it is 1.
      const { graph } = readOnnx(bytesOf(file), wheel.package === "silero-vad" ? { sizes } : {});
      const ran = await runAllTensors({ model: file, feeds: feedsFor(graph, sizes, RATE) });
      const score = scoreShapes(graph, ran, sizes);
      expect(score.wrong).toEqual([]);
      expect(score.agree / score.tensors).toBeGreaterThanOrEqual(FLOOR);
    });
  }
}
