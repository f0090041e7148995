/**
 * Goal: the formats a plan serves with cost at most 2 % of perplexity against llama.cpp on the real SmolLM2. Method: a fixed text through the
 * prefill path (chunks; the last layer row by row, so that every position has logits) and the decode path of each format; left out where the
 * model is not in the local cache. Both paths of one format share its weights, cut before the last layer.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { servedPerplexity, surprise } from "../../bench/native/served-perplexity.ts";
import { createOpenvinoDriver } from "../../src/execute/drivers/openvino/driver.ts";
import { createOrtDriver } from "../../src/execute/drivers/ort/driver.ts";
import { kernelRefusal } from "../../src/execute/kernels/kernel-module.ts";
import { modelsFolder } from "../../src/execute/model-store/cache-folder.ts";
import { DEFAULT_MODEL, knownModel } from "../../src/execute/model-store/catalog.ts";
import { openDecoderModel } from "../../src/execute/model-store/open-model.ts";
import type { StageDriver } from "../../src/execute/stage-driver.ts";
import type { DecoderModel } from "../../src/graph/decoder/model.ts";
import { loadTokenizer } from "../../src/graph/tokenizer/tokenizer.ts";
import type { ComputeFormat, GraphFormat } from "../../src/rack/rack.ts";
import { loadPeer } from "../support/llama-peer.ts";
import { surprisesOf } from "../support/llama-surprise.ts";
import { openvinoAbsent, sayLeftOut } from "../support/openvino.ts";
import { loadChain, opening, rowOf, type StageChain } from "../support/stage-chain.ts";

const absent = await openvinoAbsent();
const path = join(modelsFolder(), DEFAULT_MODEL, knownModel(DEFAULT_MODEL)?.file ?? "");
const WORSE_MOST = 1.02;
const BF16_WORSE_MOST = 1.01;
const TOKENS_LEAST = 600;
const TOKENS_MOST = 640;
/** `npm run bench -- intel` takes them all. */
const BF16_TOKENS = 256;
const CHUNK = 200;
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

  describe.each<ComputeFormat>(["int8-row", "int4", "block-int8"])("%s", (format) => {
    const absentHere = format === "block-int8" && kernelRefusal() !== undefined;
    let chain: StageChain;
    beforeAll(async () => {
      if (absentHere) return;
      // Prompts have no block-int8: in that of the least weights, since none is read.
      const options = { cuts: [model.spec.layers - 1], prefillFormat: format === "block-int8" ? "int4" : format, decodeFormat: format };
      chain = await loadChain(await createOrtDriver(), model, options);
    }, TIMEOUT_MS);
    afterAll(() => (absentHere ? undefined : chain.release()));

    const prefill = async () => expectNear(`prefill path, ${format}`, await prefillPerplexity(chain, tokens, model.spec.width), theirs);
    const decode = async () => expectNear(`decode path, ${format}`, await decodePerplexity(chain, tokens), theirs);
    if (format === "int8-row") test("prefill path", prefill, TIMEOUT_MS);
    test.skipIf(absentHere)("decode path", decode, TIMEOUT_MS);
  });

  test.skipIf(absent !== undefined)(
    "prefill path, bf16 on OpenVINO, against f32",
    async () => {
      const of = async (driver: StageDriver, format: GraphFormat) =>
        servedPerplexity({ driver, model, phase: "prefill", format }, tokens.slice(0, BF16_TOKENS));
      const exact = await of(await createOrtDriver(), "f32");
      const ours = await of(await createOpenvinoDriver(), "bf16");
      process.stderr.write(`perplexity, prefill path, bf16 on OpenVINO: ${ours.toFixed(3)} against ${exact.toFixed(3)} in f32\n`);
      expect(ours / exact).toBeLessThan(BF16_WORSE_MOST);
    },
    TIMEOUT_MS,
  );
});

async function peerPerplexity(tokens: readonly number[]): Promise<number> {
  const peer = await loadPeer(path);
  const context = await peer.model.createContext({ contextSize: 1024, batchSize: 512, threads: 1, flashAttention: false });
  const surprises = await surprisesOf({ model: peer.model, context }, tokens);
  await context.dispose();
  await peer.dispose();
  return perplexity(surprises, tokens);
}

async function prefillPerplexity(chain: StageChain, tokens: readonly number[], width: number): Promise<number> {
  const [front, last] = chain.stages;
  const surprises: number[] = [];
  const input = Int32Array.from(tokens.slice(0, -1));
  for (let start = 0; start < input.length; start += CHUNK) {
    const chunk = input.subarray(start, start + CHUNK);
    const opens = start === 0 ? [opening(0)] : [];
    const row = { ...rowOf(0, "prefill", start, chunk.length), sample: false };
    const residual = (await front!.run({ closes: [], opens, rows: [row], seals: [] }, chunk)).data as Float32Array;
    for (let i = 0; i < chunk.length; i++) {
      const step = { closes: [], opens: i === 0 ? opens : [], rows: [rowOf(0, "prefill", start + i)], seals: [] };
      const { data } = await last!.run(step, residual.slice(i * width, (i + 1) * width));
      surprises.push(surprise(data, tokens[start + i + 1]!));
    }
  }
  await chain.step({ closes: [0] }, []);
  return perplexity(surprises, tokens);
}

async function decodePerplexity(chain: StageChain, tokens: readonly number[]): Promise<number> {
  const surprises: number[] = [];
  for (const [start, token] of tokens.slice(0, -1).entries()) {
    const logits = await chain.step({ opens: start === 0 ? [opening(0)] : [], rows: [rowOf(0, "decode", start)] }, [token]);
    surprises.push(surprise(logits, tokens[start + 1]!));
  }
  await chain.step({ closes: [0] }, []);
  return perplexity(surprises, tokens);
}

/** exp of the mean surprise at every token after the first. */
function perplexity(surprises: readonly number[], tokens: readonly number[]): number {
  expect(surprises.length).toBe(tokens.length - 1);
  return Math.exp(surprises.reduce((total, one) => total + one, 0) / surprises.length);
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
