/**
 * Goal: the formats a plan serves with cost at most 2 % of perplexity against llama.cpp on the real SmolLM2. Method: a fixed text through the
 * prefill path (chunks; the last layer row by row, so that every position has logits) and the decode path of each format; left out where the
 * model is not in the local cache.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Token } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { servedPerplexity } from "../../bench/native/served-perplexity.ts";
import { createOpenvinoDriver } from "../../src/execute/drivers/openvino/driver.ts";
import { createOrtDriver } from "../../src/execute/drivers/ort/driver.ts";
import { modelsFolder } from "../../src/execute/model-store/cache-folder.ts";
import { DEFAULT_MODEL, knownModel } from "../../src/execute/model-store/catalog.ts";
import { openDecoderModel } from "../../src/execute/model-store/open-model.ts";
import type { StageDriver } from "../../src/execute/stage-driver.ts";
import type { DecoderModel } from "../../src/graph/decoder/model.ts";
import { loadTokenizer } from "../../src/graph/tokenizer/tokenizer.ts";
import type { ComputeFormat } from "../../src/rack/rack.ts";
import { loadPeer } from "../support/llama-peer.ts";
import { openvinoAbsent, sayLeftOut } from "../support/openvino.ts";
import { loadChain, logSoftmax, opening, rowOf, teacherForced } from "../support/stage-chain.ts";

const absent = await openvinoAbsent();
const path = join(modelsFolder(), DEFAULT_MODEL, knownModel(DEFAULT_MODEL)?.file ?? "");
const WORSE_MOST = 1.02;
const BF16_WORSE_MOST = 1.01;
const TOKENS_LEAST = 600;
const TOKENS_MOST = 640;
/** `npm run bench -- intel` takes them all. */
const BF16_TOKENS = 256;
const CHUNK = 200;
/** Tokens whose whole distributions the peer hands over at once: each is a map of the vocabulary. */
const PEER_BATCH = 24;
const TIMEOUT_MS = 300_000;

describe.skipIf(!existsSync(path))("perplexity of SmolLM2", () => {
  let model: DecoderModel;
  let tokens: readonly number[];
  let theirs: number;

  beforeAll(async () => {
    model = openDecoderModel(path);
    const text = readFileSync(new URL("../golden/perplexity/text.txt", import.meta.url), "utf8");
    tokens = loadTokenizer(model.tokenizer).encode(text, { addSpecial: false }).slice(0, TOKENS_MOST);
    theirs = await peerPerplexity(tokens);
  }, TIMEOUT_MS);

  test("the text is long enough", () => {
    expect(tokens.length).toBeGreaterThanOrEqual(TOKENS_LEAST);
    expect(theirs).toBeLessThan(30);
  });

  test.each<ComputeFormat>(["int8-row"])(
    "prefill path, %s",
    async (format) => {
      expectNear(`prefill path, ${format}`, await prefillPerplexity(model, tokens, format), theirs);
    },
    TIMEOUT_MS,
  );

  test.skipIf(absent !== undefined)(
    "prefill path, bf16 on OpenVINO, against f32",
    async () => {
      const of = async (driver: StageDriver, format: ComputeFormat) =>
        servedPerplexity({ driver, model, phase: "prefill", format }, tokens.slice(0, BF16_TOKENS));
      const exact = await of(await createOrtDriver(), "f32");
      const ours = await of(await createOpenvinoDriver(), "bf16");
      process.stderr.write(`perplexity, prefill path, bf16 on OpenVINO: ${ours.toFixed(3)} against ${exact.toFixed(3)} in f32\n`);
      expect(ours / exact).toBeLessThan(BF16_WORSE_MOST);
    },
    TIMEOUT_MS,
  );

  test.each<ComputeFormat>(["int4", "int8-row"])(
    "decode path, %s",
    async (format) => {
      const chain = await loadChain(await createOrtDriver(), model, { prefillFormat: format, decodeFormat: format });
      const rows = await teacherForced(chain, tokens.slice(0, -1));
      await chain.release();
      expectNear(`decode path, ${format}`, perplexity(rows, tokens), theirs);
    },
    TIMEOUT_MS,
  );
});

async function peerPerplexity(tokens: readonly number[]): Promise<number> {
  const peer = await loadPeer(path);
  const context = await peer.model.createContext({ contextSize: 1024, batchSize: 512, threads: 1, flashAttention: false });
  const sequence = context.getSequence();
  const options = { temperature: 1, topK: 0, topP: 1, minP: 0 };
  let sum = 0;
  for (let from = 0; from + 1 < tokens.length; from += PEER_BATCH) {
    const batch = tokens.slice(from, Math.min(from + PEER_BATCH, tokens.length - 1)) as Token[];
    const results = await sequence.controlledEvaluate(batch.map((token) => [token, { generateNext: { probabilities: true, options } }]));
    for (const [i, result] of results.entries()) sum -= Math.log(result?.next.probabilities?.get(tokens[from + i + 1] as Token) ?? 0);
  }
  await context.dispose();
  await peer.dispose();
  return Math.exp(sum / (tokens.length - 1));
}

async function prefillPerplexity(model: DecoderModel, tokens: readonly number[], format: ComputeFormat): Promise<number> {
  const { layers, width } = model.spec;
  const options = { cuts: [layers - 1], prefillFormat: format, decodeFormat: format } as const;
  const chain = await loadChain(await createOrtDriver(), model, options);
  const [front, last] = chain.stages;
  const rows: Float32Array[] = [];
  const input = Int32Array.from(tokens.slice(0, -1));
  for (let start = 0; start < input.length; start += CHUNK) {
    const chunk = input.subarray(start, start + CHUNK);
    const opens = start === 0 ? [opening(0)] : [];
    const row = { ...rowOf(0, "prefill", start, chunk.length), sample: false };
    const residual = (await front!.run({ closes: [], opens, rows: [row], seals: [] }, chunk)).data as Float32Array;
    for (let i = 0; i < chunk.length; i++) {
      const step = { closes: [], opens: i === 0 ? opens : [], rows: [rowOf(0, "prefill", start + i)], seals: [] };
      rows.push((await last!.run(step, residual.slice(i * width, (i + 1) * width))).data);
    }
  }
  await chain.release();
  return perplexity(rows, tokens);
}

/** exp of the mean surprise at every token after the first; row i predicts token i + 1. */
function perplexity(rows: readonly Float32Array[], tokens: readonly number[]): number {
  const sum = rows.reduce((total, row, i) => total - logSoftmax(row)[tokens[i + 1]!]!, 0);
  expect(rows.length).toBe(tokens.length - 1);
  return Math.exp(sum / rows.length);
}

function expectNear(path: string, ours: number, theirs: number): void {
  const ratio = ours / theirs;
  const figures = `perplexity, ${path}: ${ours.toFixed(3)} against llama.cpp's ${theirs.toFixed(3)}, ratio ${ratio.toFixed(4)}`;
  process.stderr.write(`${figures}\n`);
  expect(ratio, figures).toBeLessThan(WORSE_MOST);
}

if (absent !== undefined) sayLeftOut(1, `bf16 on OpenVINO: ${absent}`);
const left = existsSync(path) ? 0 : 5;
afterAll(() => {
  if (left > 0) process.stderr.write(`${left} tests left out: ${DEFAULT_MODEL} is not in the local cache (heddle model pull)\n`);
});
