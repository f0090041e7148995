/**
 * Goal: any convex cut of a program, run piece by piece, gives the bits of the whole. Method: random cuts of small models made here and of
 * pinned models of other people (left out where `scripts/fetch-onnx-samples.ts` has not been run), all through ONNX Runtime without
 * optimisations, because those depend on what stands beside an operator.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { describe, expect, it, test } from "vitest";
import { ONNX_SAMPLES, sampleFile, sampleFolder } from "../../scripts/onnx-samples.ts";
import { bytesOf } from "../../src/base/bytes.ts";
import type { OnnxModel } from "../../src/graph/onnx/builder.ts";
import { onnxProgram, programFromBuilder } from "../../src/graph/program/onnx-program.ts";
import type { Program } from "../../src/graph/program/program.ts";
import { feedsFor } from "../support/run-all-tensors.ts";
import { bitsOf, randomCut, runModel, runPieces } from "../support/run-pieces.ts";
import { STORED_FILES, storedModel } from "../support/stored-onnx.ts";
import { cacheModel, controlModel, functionModel, mixedModel } from "../support/tiny-onnx.ts";

const RATE = { sr: new ort.Tensor("int64", BigInt64Array.of(16_000n), []) };
const files = (path: string) => (STORED_FILES[path] === undefined ? undefined : bytesOf(STORED_FILES[path]));
const alone = (model: Uint8Array): OnnxModel => ({ model, weights: [] });

interface Case {
  readonly whole: OnnxModel;
  readonly program: () => Program;
  readonly sizes: Record<string, number>;
}

const TINY: Readonly<Record<string, Case>> = {
  "a choice and a loop": { whole: alone(controlModel()), program: () => onnxProgram(bytesOf(controlModel())), sizes: { batch: 3 } },
  "a cache": {
    whole: alone(cacheModel()),
    program: () => onnxProgram(bytesOf(cacheModel())),
    sizes: { batch: 2, tokens: 3, context: 7 },
  },
  "a function": { whole: alone(functionModel()), program: () => onnxProgram(bytesOf(functionModel())), sizes: { batch: 2, n: 5 } },
  "a function's default": {
    whole: alone(functionModel(false)),
    program: () => onnxProgram(bytesOf(functionModel(false))),
    sizes: { batch: 2, n: 5 },
  },
  "data in all places": {
    whole: { model: storedModel(), weights: Object.entries(STORED_FILES).map(([path, data]) => ({ path, data })) },
    program: () => onnxProgram(bytesOf(storedModel()), { files }),
    sizes: { rows: 3 },
  },
  "a graph defined in code": {
    whole: mixedModel(),
    program: () => programFromBuilder(mixedModel()),
    sizes: { batch: 2, height: 12 },
  },
};

describe("pieces of small models give the bits of the whole", () => {
  for (const [name, { whole, program, sizes }] of Object.entries(TINY)) {
    it(name, async () => {
      const read = program();
      const feeds = feedsFor(read.graph, sizes, RATE);
      const expected = bitsOf(await runModel(whole, feeds));
      for (let seed = 0; seed < 12; seed++) {
        const pieces = randomCut(read, seed, 1 + (seed % 5));
        expect(bitsOf(await runPieces(read, pieces, feeds)), `seed ${seed}`).toEqual(expected);
      }
      const single = read.graph.operators.map((_, id) => [id]);
      expect(bitsOf(await runPieces(read, single, feeds)), "an operator a piece").toEqual(expected);
    });
  }

  it("and not those of another model", async () => {
    const other = { "weights.bin": Uint8Array.from(STORED_FILES["weights.bin"]!) };
    other["weights.bin"].set(new Uint8Array(Float32Array.of(3).buffer), 40);
    const program = onnxProgram(bytesOf(storedModel()), { files: (path) => bytesOf(other[path as "weights.bin"]) });
    const feeds = feedsFor(program.graph, { rows: 3 });
    const expected = bitsOf(await runModel(TINY["data in all places"]!.whole, feeds));
    expect(bitsOf(await runPieces(program, randomCut(program, 1, 3), feeds))).not.toEqual(expected);
  });
});

const folder = sampleFolder(process.env);
for (const wheel of ONNX_SAMPLES) {
  for (const sample of wheel.models) {
    const path = join(folder, sampleFile(wheel, sample));
    const there = existsSync(path);
    test.skipIf(!there)(`pieces of ${wheel.package} ${sample.path}${there ? "" : ", left out: not fetched"}`, async () => {
      const file = readFileSync(path);
      const program = onnxProgram(bytesOf(file), wheel.package === "silero-vad" ? { sizes: sample.sizes } : {});
      const feeds = feedsFor(program.graph, { ...sample.sizes }, RATE);
      const expected = bitsOf(await runModel(alone(file), feeds));
      for (let seed = 0; seed < 3; seed++) {
        const actual = bitsOf(await runPieces(program, randomCut(program, seed, 2 + seed * 3), feeds));
        expect(Object.keys(actual)).toEqual(Object.keys(expected));
        for (const name of Object.keys(expected)) expect(actual[name]!.bits === expected[name]!.bits, `${name}, seed ${seed}`).toBe(true);
      }
    });
  }
}
