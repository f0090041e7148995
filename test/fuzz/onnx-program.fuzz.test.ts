/**
 * Goal: a damaged ONNX file is a coded error or a program whose stages can be taken out, in bounded memory. Method: seeded damage to small models
 * whose data lies in all the ways a file can hold it; every operator becomes a stage, and all together; reads are counted; a failure names its seed.
 */
import { expect, test } from "vitest";
import { bytesOf } from "../../src/base/bytes.ts";
import { onnxProgram } from "../../src/graph/program/onnx-program.ts";
import { countBy, guardedBytes, mutate } from "../support/mutate.ts";
import { STORED_FILES, storedModel } from "../support/stored-onnx.ts";
import { tinyOnnxFiles } from "../support/tiny-onnx.ts";
import { outcomesOf } from "./seeded-outcomes.ts";

const CASES = 500;
const ALLOWED = ["onnx-invalid", "onnx-unsupported", "model-weights-missing"];
const READS_BYTES = 256 << 20;

function takeOut(file: Uint8Array): void {
  const files = (path: string) => (Object.hasOwn(STORED_FILES, path) ? bytesOf(STORED_FILES[path]!) : undefined);
  const program = onnxProgram(guardedBytes(file, READS_BYTES), { files });
  const all = program.graph.operators.map((_, id) => id);
  for (const piece of [...all.map((id) => [id]), all]) {
    const stage = program.stage(piece);
    expect(stage.model.weights.reduce((sum, { data }) => sum + data.byteLength, 0)).toBeLessThanOrEqual(stage.weightBytes);
    expect(stage.key).toMatch(/^[0-9a-f]{64}$/);
  }
  expect(program.fingerprint).toMatch(/^[0-9a-f]{64}$/);
}

for (const [index, [name, file]] of Object.entries({ ...tinyOnnxFiles(), stored: storedModel() }).entries()) {
  test(`${name}: stages of ${CASES} damaged files`, () => {
    const cases = { first: 7_000_000 * (index + 1), count: CASES, allowed: ALLOWED };
    const outcomes = outcomesOf(cases, (prng) => takeOut(mutate(prng, file, file.length)));
    const counts = countBy(outcomes);
    expect(counts["onnx-invalid"]).toBeGreaterThan(CASES / 10);
  });
}
