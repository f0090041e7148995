// Goal: a published model on three devices gives the model's logits. Method: SmolLM2 where it is in the cache, on three processes, one for each of its KV heads,
// against the plain reference; a prompt and two tokens.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { modelsFolder } from "../../src/execute/model-store/cache-folder.ts";
import { DEFAULT_MODEL, knownModel } from "../../src/execute/model-store/catalog.ts";
import { openDecoderModel } from "../../src/execute/model-store/open-model.ts";
import { loadDecoder } from "../../src/sdk/load-decoder.ts";
import { openRack } from "../../src/sdk/open-rack.ts";
import { largestDifference, likeliest, rackOfCpus, stepInputs } from "../support/decode-on-rack.ts";
import { referenceLogits } from "../support/reference-decoder.ts";

const TIMEOUT_MS = 240_000;
/** Thirty layers of f32 against f64 sums, relative to the largest logit. */
const CLOSE = 1e-5;
const PROMPT = [504, 3575, 282, 4649, 314];
const STEPS = 3;
const path = join(modelsFolder(), DEFAULT_MODEL, knownModel(DEFAULT_MODEL)?.file ?? "");

test.skipIf(!existsSync(path))("SmolLM2 on three processes gives the reference's logits", { timeout: TIMEOUT_MS }, async () => {
  const rack = await openRack(rackOfCpus(3));
  const graph = await loadDecoder(path, { contextLength: 64, tensorParallel: 3 });
  const state = rack.state(graph);
  const tokens = [...PROMPT];
  const got: Float32Array[] = [];
  for (let step = 0; step < STEPS; step++) {
    const row = (await rack.run(graph, stepInputs(tokens, step === 0 ? 0 : tokens.length - 1), { state }))["logits"]!.data as Float32Array;
    got.push(row);
    tokens.push(likeliest(row));
  }
  await rack.close();
  const expected = referenceLogits(openDecoderModel(path), tokens.slice(0, -1)).slice(PROMPT.length - 1);
  expect(expected.map(likeliest)).toEqual(tokens.slice(PROMPT.length));
  expect(largestDifference(got, expected)).toBeLessThan(CLOSE);
  expect(largestDifference(got, [...expected].reverse())).toBeGreaterThan(CLOSE);
});
