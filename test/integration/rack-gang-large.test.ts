// Goal: a published model on three devices is the model on one. Method: SmolLM2 where it is in the cache, on three processes, one for each of its KV heads, against
// one process; a prompt and two tokens.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { modelsFolder } from "../../src/execute/model-store/cache-folder.ts";
import { DEFAULT_MODEL, knownModel } from "../../src/execute/model-store/catalog.ts";
import { loadDecoder } from "../../src/sdk/load-decoder.ts";
import { openRack } from "../../src/sdk/open-rack.ts";
import { largestDifference, likeliest, rackOfCpus, stepInputs } from "../support/decode-on-rack.ts";

const TIMEOUT_MS = 240_000;
/** Thirty layers of f32 sums in another order, relative to the largest logit. */
const CLOSE = 1e-5;
const PROMPT = [504, 3575, 282, 4649, 314];
const STEPS = 3;
const path = join(modelsFolder(), DEFAULT_MODEL, knownModel(DEFAULT_MODEL)?.file ?? "");

async function logitsOn(size: number): Promise<readonly Float32Array[]> {
  const rack = await openRack(rackOfCpus(size));
  const graph = await loadDecoder(path, { contextLength: 64, tensorParallel: size });
  const state = rack.state(graph);
  const tokens = [...PROMPT];
  const rows: Float32Array[] = [];
  for (let step = 0; step < STEPS; step++) {
    const row = (await rack.run(graph, stepInputs(tokens, step === 0 ? 0 : tokens.length - 1), { state }))["logits"]!.data as Float32Array;
    rows.push(row);
    tokens.push(likeliest(row));
  }
  await rack.close();
  return rows;
}

test.skipIf(!existsSync(path))("SmolLM2 on three processes gives one process's logits", { timeout: TIMEOUT_MS }, async () => {
  const expected = await logitsOn(1);
  const got = await logitsOn(3);
  expect(got.map(likeliest)).toEqual(expected.map(likeliest));
  expect(largestDifference(got, expected)).toBeLessThan(CLOSE);
  expect(largestDifference(got, [...expected].reverse())).toBeGreaterThan(CLOSE);
});
