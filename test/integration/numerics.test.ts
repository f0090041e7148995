/**
 * Goal: a stage computes the model, however it is cut, on every driver, like llama.cpp. Method: teacher-forced logits over 512 tokens and greedy
 * continuations of a lively tiny F32 model, where llama.cpp keeps its KV in F32 without flash attention; a plain float64 decoder is the third
 * witness. Faults planted in the weights and the rope base show that the bounds are narrow enough to see them.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededPrng } from "../../src/base/prng.ts";
import { createOpenvinoDriver } from "../../src/execute/drivers/openvino/driver.ts";
import { createOrtDriver } from "../../src/execute/drivers/ort/driver.ts";
import { createOrtWasmDriver } from "../../src/execute/drivers/ort-wasm/driver.ts";
import { openDecoderModel } from "../../src/execute/model-store/open-model.ts";
import type { StageDriver } from "../../src/execute/stage-driver.ts";
import type { DecoderModel } from "../../src/graph/decoder/model.ts";
import { pagesFor } from "../../src/state/block.ts";
import { writeGguf } from "../support/gguf-writer.ts";
import { type LlamaPeer, loadPeer } from "../support/llama-peer.ts";
import { openvinoAbsent, sayLeftOut } from "../support/openvino.ts";
import { referenceLogits } from "../support/reference-decoder.ts";
import {
  type ChainOptions,
  largestDifference,
  loadChain,
  opening,
  prefillChunks,
  rowOf,
  type StageChain,
  teacherForced,
} from "../support/stage-chain.ts";
import { type TinyModelOptions, tinyGguf, tinyGgufParts } from "../support/tiny-gguf.ts";

const TOKENS = 512;
const LOGIT_TOLERANCE = 1e-3;
const GREEDY_TOKENS = 300;
/** Two best logits nearer than this are a near tie, where either may be chosen. */
const MARGIN = 1e-2;
const DISTINCT_LEAST = 100;
/** Most of a continuation must be compared, not excused as near ties. */
const NEAR_TIES_MOST = GREEDY_TOKENS / 10;
/** First token and length of the prompts within the text. */
const PROMPTS = [
  [0, 24],
  [100, 7],
  [200, 70],
  [300, 130],
] as const;
const SHAPE: TinyModelOptions = { layers: 4, vocabulary: 512, anchor: 0 };

interface Way {
  readonly name: string;
  readonly driver: () => Promise<StageDriver>;
  readonly options: ChainOptions;
}

const absent = await openvinoAbsent();
if (absent !== undefined) sayLeftOut(2, `numerics on OpenVINO: ${absent}`);
const WAYS: readonly Way[] = [
  { name: "ort, whole", driver: createOrtDriver, options: {} },
  { name: "ort, split in 2", driver: createOrtDriver, options: { cuts: [2] } },
  { name: "ort, split in 4", driver: createOrtDriver, options: { cuts: [1, 2, 3] } },
  { name: "ort, whole, 2 threads", driver: createOrtDriver, options: { threads: 2 } },
  { name: "ort-wasm, whole", driver: createOrtWasmDriver, options: {} },
  { name: "ort-wasm, split in 2", driver: createOrtWasmDriver, options: { cuts: [2] } },
  { name: "ort-wasm, split in 4", driver: createOrtWasmDriver, options: { cuts: [1, 2, 3] } },
  ...(absent === undefined ? [{ name: "openvino, split in 2", driver: createOpenvinoDriver, options: { cuts: [2] } }] : []),
];

/** Models with one thing wrong. */
const FAULTS: readonly { readonly name: string; readonly bytes: () => Uint8Array }[] = [
  { name: "a rope base 1 % too large", bytes: () => tinyGguf({ ...SHAPE, theta: 10_100 }) },
  { name: "the weights of one layer 0.1 % too large", bytes: () => scaled("blk.2.", 1.001) },
  { name: "one matrix 0.1 % too large", bytes: () => scaled("blk.1.ffn_down.weight", 1.001) },
];

const folder = mkdtempSync(join(tmpdir(), "heddle-numerics-"));
const path = written("tiny.gguf", tinyGguf(SHAPE));
const model: DecoderModel = openDecoderModel(path);
const prng = seededPrng(7);
const text = Array.from({ length: TOKENS }, () => Math.floor(prng.nextFloat() * model.spec.vocabulary));
let whole: Float32Array[];
let theirs: Float32Array[];
let continuations: { readonly prompt: readonly number[]; readonly theirs: readonly number[] }[];
let peer: LlamaPeer;

beforeAll(async () => {
  peer = await loadPeer(path);
  theirs = await peer.logits(text, SHAPE.anchor!);
  continuations = [];
  for (const [from, count] of PROMPTS) {
    const prompt = text.slice(from, from + count);
    continuations.push({ prompt, theirs: await peer.greedy(prompt, GREEDY_TOKENS) });
  }
  whole = await forced(createOrtDriver, model, {});
});
afterAll(() => peer.dispose());

// llama.cpp is the farther one: it multiplies the rope's angles up in f32. With angles made that way the float64 decoder is within 4e-5 of it.
test("teacher-forced logits over 512 tokens: llama.cpp and a float64 decoder", () => {
  const exact = referenceLogits(model, text);
  const peers = farthest(theirs, exact);
  const ours = farthest(whole, exact);
  say(`logits over ${TOKENS} tokens, farthest from float64: ort ${ours.toExponential(2)}, llama.cpp ${peers.toExponential(2)}`);
  expect(theirs.length).toBe(TOKENS);
  expect(theirs.every((row) => row.length === model.spec.vocabulary)).toBe(true);
  expect(ours).toBeLessThan(LOGIT_TOLERANCE);
  expect(peers).toBeLessThan(LOGIT_TOLERANCE);
});

test.each(WAYS)("teacher-forced logits over 512 tokens: $name", async ({ name, driver, options }) => {
  const rows = await forced(driver, model, options);
  const fromWhole = farthest(rows, whole);
  const fromPeer = farthest(rows, theirs);
  say(`logits of ${name}: ${fromWhole.toExponential(2)} from the whole model on ort, ${fromPeer.toExponential(2)} from llama.cpp`);
  expect(rows.length).toBe(TOKENS);
  expect(fromWhole).toBeLessThan(LOGIT_TOLERANCE);
  expect(fromPeer).toBeLessThan(LOGIT_TOLERANCE);
});

test.each(FAULTS)("teacher-forced logits show a fault: $name", async ({ name, bytes }) => {
  const most = farthest(await forced(createOrtDriver, openDecoderModel(written("faulty.gguf", bytes())), {}), theirs);
  say(`logits with ${name}: ${most.toExponential(2)} from llama.cpp`);
  expect(most).toBeGreaterThan(LOGIT_TOLERANCE);
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
    expect(largestDifference(rows[i]!, theirs[end - 1]!)).toBeLessThan(LOGIT_TOLERANCE);
  }
  expect(end).toBe(TOKENS);
});

test.each(WAYS)("greedy continuations are llama.cpp's but for near ties: $name", async ({ name, driver, options }) => {
  const chain = await loadChain(await driver(), model, options);
  const lines: string[] = [];
  const all = await followed(chain, continuations);
  for (const [lane, { theirs }] of continuations.entries()) {
    const { ours, margins } = all[lane]!;
    const departures = [...ours.keys()].filter((i) => ours[i] !== theirs[i]);
    const nearTies = [...margins.keys()].filter((i) => margins[i]! < MARGIN);
    const distinct = [new Set(ours).size, new Set(theirs).size];
    lines.push(
      `${departures.length} departures, ${nearTies.length} near ties (first at ${nearTies[0]}), ${distinct.join(" and ")} distinct tokens`,
    );
    expect(departures.filter((i) => !nearTies.includes(i)).map((i) => ({ at: i, margin: margins[i] }))).toEqual([]);
    expect(nearTies.length).toBeLessThanOrEqual(NEAR_TIES_MOST);
    expect(ours.length).toBe(GREEDY_TOKENS);
    expect(Math.min(...distinct)).toBeGreaterThanOrEqual(DISTINCT_LEAST);
  }
  say(`greedy of ${name}, ${GREEDY_TOKENS} tokens a prompt: ${lines.join("; ")}`);
  await chain.release();
});

test("a greedy continuation shows a fault: a rope base 1 % too large", async () => {
  const chain = await loadChain(await createOrtDriver(), openDecoderModel(written("faulty.gguf", FAULTS[0]!.bytes())));
  const { theirs } = continuations[0]!;
  const [{ ours, margins } = { ours: [], margins: [] }] = await followed(chain, continuations.slice(0, 1));
  await chain.release();
  expect([...ours.keys()].filter((i) => ours[i] !== theirs[i] && margins[i]! >= MARGIN).length).toBeGreaterThan(0);
});

test("blocks sealed and gathered continue like a recomputed prompt", async () => {
  const chain = await loadChain(await createOrtDriver(), model, { cuts: [2] });
  const seals = [64, 64, 16].map((tokens, block) => ({ lane: 0, block, tokens, target: { slot: 5 + block, generation: 3 } }));
  await chain.step({ opens: [opening(0)], rows: [rowOf(0, "prefill", 0, 150)], seals }, text.slice(0, 150));
  await chain.step({ closes: [0] }, []);
  const gather = seals.map((seal) => seal.target);
  // Whole blocks alone, with the end of the prompt, and up to 8 tokens of that end.
  for (const tokens of [128, 144, 136]) {
    const opens = [opening(1, gather.slice(0, pagesFor(tokens)), 1024, tokens)];
    const reused = await chain.step({ opens, rows: [rowOf(1, "prefill", tokens, 168 - tokens)] }, text.slice(tokens, 168));
    expect(largestDifference(reused, whole[167]!), `${tokens} tokens gathered`).toBeLessThan(LOGIT_TOLERANCE);
    await chain.step({ closes: [1] }, []);
  }
  const stale = [{ slot: 5, generation: 2 }];
  await expect(chain.step({ opens: [opening(2, stale)] }, [])).rejects.toThrow(/generation/);
  await chain.release();
});

async function forced(driver: () => Promise<StageDriver>, of: DecoderModel, options: ChainOptions): Promise<Float32Array[]> {
  const chain = await loadChain(await driver(), of, options);
  const rows = await teacherForced(chain, text);
  await chain.release();
  return rows;
}

interface Followed {
  readonly ours: number[];
  readonly margins: number[];
}

/**
 * Our choice and its margin at every position of the peer's continuations, a lane each; that rows do not change one another, the driver suite shows. The
 * peer's token is fed whatever was chosen, so a near tie that falls the other way does not end the comparison.
 */
async function followed(chain: StageChain, of: typeof continuations): Promise<Followed[]> {
  const lanes = of.map((_one, lane) => lane);
  const all = of.map((): Followed => ({ ours: [], margins: [] }));
  const choose = (lane: number, logits: Float32Array): void => {
    const { best, margin } = topTwo(logits);
    all[lane]!.ours.push(best);
    all[lane]!.margins.push(margin);
  };
  for (const [lane, { prompt }] of of.entries()) {
    const [logits = new Float32Array()] = await prefillChunks(chain, prompt, [prompt.length], lane);
    choose(lane, logits);
  }
  const { vocabulary } = model.spec;
  for (let i = 0; i + 1 < GREEDY_TOKENS; i++) {
    const rows = lanes.map((lane) => rowOf(lane, "decode", of[lane]!.prompt.length + i));
    const fed = of.map(({ theirs }) => theirs[i]!);
    const logits = await chain.step({ rows }, fed);
    for (const lane of lanes) choose(lane, logits.subarray(lane * vocabulary, (lane + 1) * vocabulary));
  }
  await chain.step({ closes: lanes }, []);
  return all;
}

/** Largest absolute difference of any logit after any token. */
function farthest(rows: readonly Float32Array[], expected: readonly Float32Array[]): number {
  return Math.max(...rows.map((row, i) => largestDifference(row, expected[i]!)));
}

function scaled(prefix: string, factor: number): Uint8Array {
  const { metadata, tensors } = tinyGgufParts(SHAPE);
  const changed = tensors.map((tensor) =>
    tensor.name.startsWith(prefix) && tensor.shape.length === 2
      ? { ...tensor, values: tensor.values.map((value) => factor * value) }
      : tensor,
  );
  return writeGguf(metadata, changed);
}

function written(name: string, bytes: Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

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
