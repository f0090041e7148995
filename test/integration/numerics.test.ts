/**
 * Goal: a stage computes the model, however it is cut, on every driver, like llama.cpp. Method: teacher-forced logits over 512 tokens and greedy
 * continuations of a lively tiny F32 model, where llama.cpp keeps its KV in F32 without flash attention.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededPrng } from "../../src/base/prng.ts";
import { createOrtDriver } from "../../src/execute/drivers/ort/driver.ts";
import { createOrtWasmDriver } from "../../src/execute/drivers/ort-wasm/driver.ts";
import { openDecoderModel } from "../../src/execute/model-store/open-model.ts";
import type { StageDriver } from "../../src/execute/stage-driver.ts";
import type { DecoderModel } from "../../src/graph/decoder/model.ts";
import { type LlamaPeer, loadPeer } from "../support/llama-peer.ts";
import {
  type ChainOptions,
  largestDifference,
  loadChain,
  logSoftmax,
  opening,
  prefillChunks,
  rowOf,
  teacherForced,
} from "../support/stage-chain.ts";
import { writeTinyGguf } from "../support/tiny-gguf.ts";

const TOKENS = 512;
const LOGIT_TOLERANCE = 1e-3;
const GREEDY_TOKENS = 300;
const MARGIN = 1e-2;
const DISTINCT_LEAST = 100;

interface Way {
  readonly name: string;
  readonly driver: () => Promise<StageDriver>;
  readonly options: ChainOptions;
}

const WAYS: readonly Way[] = [
  { name: "ort, split in 2", driver: createOrtDriver, options: { cuts: [2] } },
  { name: "ort, split in 4", driver: createOrtDriver, options: { cuts: [1, 2, 3] } },
  { name: "ort, whole, 2 threads", driver: createOrtDriver, options: { threads: 2 } },
  { name: "ort-wasm, whole", driver: createOrtWasmDriver, options: {} },
  { name: "ort-wasm, split in 2", driver: createOrtWasmDriver, options: { cuts: [2] } },
];

const path = writeTinyGguf(join(mkdtempSync(join(tmpdir(), "heddle-numerics-")), "tiny.gguf"), { layers: 4, vocabulary: 512 });
const model: DecoderModel = openDecoderModel(path);
const prng = seededPrng(7);
const text = Array.from({ length: TOKENS }, () => Math.floor(prng.nextFloat() * model.spec.vocabulary));
let whole: Float32Array[];
let peer: LlamaPeer;

beforeAll(async () => {
  peer = await loadPeer(path);
  const chain = await loadChain(await createOrtDriver(), model);
  whole = await teacherForced(chain, text);
  await chain.release();
});
afterAll(() => peer.dispose());

test.each(WAYS)("teacher-forced logits over 512 tokens: $name", async ({ driver, options }) => {
  const chain = await loadChain(await driver(), model, options);
  const rows = await teacherForced(chain, text);
  await chain.release();
  const most = Math.max(...rows.map((row, i) => largestDifference(row, whole[i]!)));
  expect(most).toBeLessThan(LOGIT_TOLERANCE);
});

test.each([
  { name: "ort", driver: createOrtDriver },
  { name: "ort-wasm", driver: createOrtWasmDriver },
])("a prompt in chunks gives the logits of single steps: $name", async ({ driver }) => {
  const chain = await loadChain(await driver(), model, { cuts: [3] });
  const sizes = [1, 63, 128, 64, 1, 200, 55];
  const rows = await prefillChunks(chain, text, sizes);
  await chain.release();
  let end = 0;
  for (const [i, size] of sizes.entries()) {
    end += size;
    expect(largestDifference(rows[i]!, whole[end - 1]!)).toBeLessThan(LOGIT_TOLERANCE);
  }
  expect(end).toBe(TOKENS);
});

test("teacher-forced log probabilities over 512 tokens: llama.cpp", async () => {
  const theirs = await peer.probabilities(text);
  let most = 0;
  for (const [i, row] of whole.entries()) {
    for (const [token, value] of logSoftmax(row).entries()) {
      most = Math.max(most, Math.abs(value - Math.log(theirs[i]!.get(token)!)));
    }
  }
  // Logits that differ by less than the tolerance give log probabilities that differ by less than twice it.
  expect(most).toBeLessThan(2 * LOGIT_TOLERANCE);
  expect(theirs.length).toBe(TOKENS);
});

test.each([{ name: "ort, whole", driver: createOrtDriver, options: {} }, ...WAYS])(
  "greedy continuation is llama.cpp's until a near tie: $name",
  async ({ driver, options }) => {
    const chain = await loadChain(await driver(), model, options);
    const prompt = text.slice(0, 24);
    const theirs = await peer.greedy(prompt, GREEDY_TOKENS);
    let [logits = new Float32Array()] = await prefillChunks(chain, prompt, [prompt.length]);
    let equal = 0;
    for (const token of theirs) {
      const { best, margin } = topTwo(logits);
      if (margin < MARGIN) break;
      expect(best).toBe(token);
      logits = await chain.step({ rows: [rowOf(0, "decode", prompt.length + equal)] }, [token]);
      equal += 1;
    }
    await chain.release();
    expect(new Set(theirs).size).toBeGreaterThanOrEqual(DISTINCT_LEAST);
    expect(equal).toBeGreaterThan(10);
  },
);

test("blocks sealed and gathered continue like a recomputed prompt", async () => {
  const chain = await loadChain(await createOrtDriver(), model, { cuts: [2] });
  const seals = [0, 1].map((block) => ({ lane: 0, block, target: { slot: 5 + block, generation: 3 } }));
  await chain.step({ opens: [opening(0)], rows: [rowOf(0, "prefill", 0, 150)], seals }, text.slice(0, 150));
  await chain.step({ closes: [0] }, []);
  const gather = seals.map((seal) => seal.target);
  const opens = [opening(1, gather)];
  const reused = await chain.step({ opens, rows: [rowOf(1, "prefill", 128, 40)] }, text.slice(128, 168));
  expect(largestDifference(reused, whole[167]!)).toBeLessThan(LOGIT_TOLERANCE);
  const stale = [{ slot: 5, generation: 2 }];
  await expect(chain.step({ opens: [opening(2, stale)] }, [])).rejects.toThrow(/generation/);
  await chain.release();
});

function topTwo(logits: Float32Array): { best: number; margin: number } {
  let best = -1;
  let first = Number.NEGATIVE_INFINITY;
  let second = Number.NEGATIVE_INFINITY;
  for (const [token, logit] of logits.entries()) {
    if (logit > first) {
      second = first;
      first = logit;
      best = token;
    } else if (logit > second) second = logit;
  }
  return { best, margin: first - second };
}
