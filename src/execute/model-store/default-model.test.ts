/**
 * Goal: the real SmolLM2 file is read right: facts, tokens and next-token probabilities. Method: against llama.cpp on the same file; left out
 * where the model is not in the local cache.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadPeer } from "../../../test/support/llama-peer.ts";
import { referenceLogits, softmax } from "../../../test/support/reference-decoder.ts";
import { variedStrings } from "../../../test/support/varied-strings.ts";
import { loadTokenizer } from "../../graph/tokenizer/tokenizer.ts";
import { modelsFolder } from "./cache-folder.ts";
import { DEFAULT_MODEL, knownModel } from "./catalog.ts";
import { openDecoderModel } from "./open-model.ts";

const path = join(modelsFolder(), DEFAULT_MODEL, knownModel(DEFAULT_MODEL)?.file ?? "");

test.skipIf(!existsSync(path))("SmolLM2: facts, 500 texts, and probabilities like llama.cpp's", async () => {
  const model = openDecoderModel(path);
  expect(model.spec).toMatchObject({
    name: DEFAULT_MODEL,
    layers: 30,
    width: 576,
    heads: 9,
    kvHeads: 3,
    vocabulary: 49152,
    tiedHead: true,
  });
  expect(model.tokenizer).toMatchObject({ addBos: false, bosId: 1, stopIds: [2, 0] });
  const tokenizer = loadTokenizer(model.tokenizer);
  const peer = await loadPeer(path, 64);
  for (const text of variedStrings(430, 99)) expect(tokenizer.encode(text, { addSpecial: false })).toEqual(peer.tokenize(text, true));
  const prompt = tokenizer.encode("The capital of France is", { addSpecial: false });
  const theirs = await peer.probabilities(prompt);
  await peer.dispose();
  const ours = referenceLogits(model, prompt).map((row) => softmax([...row]));
  // The peer rounds activations to 8 bits before it multiplies by 4-bit weights.
  for (const [t, row] of ours.entries()) {
    const difference = Math.max(...row.slice(0, 20_000).map((share, token) => Math.abs(share - (theirs[t]?.get(token) ?? 0))));
    expect(difference).toBeLessThan(0.05);
  }
});
