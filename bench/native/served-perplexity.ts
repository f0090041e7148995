/** Perplexity of a text as it would be served: through prefill in chunks, or decode step by step. */
import { must } from "../../src/base/assert.ts";
import type { StageFormat } from "../../src/cost/stage-format.ts";
import type { StepRow } from "../../src/engine/replica-engine-types.ts";
import type { LoadedStage, StageDriver } from "../../src/execute/stage-driver.ts";
import type { DecoderModel } from "../../src/graph/decoder/model.ts";

export interface ServedPath {
  readonly driver: StageDriver;
  readonly model: DecoderModel;
  readonly phase: "prefill" | "decode";
  /** Of that phase, and of the head. */
  readonly format: StageFormat;
  readonly threads?: number;
}

const CHUNK = 200;
const LIMITS = { maxSequences: 2, contextLimit: 1024, workingPages: 64 };
const UNKNOWN = { valueNs: 1, lowNs: 1, highNs: 1, basis: "extrapolated", source: "bench" } as const;
const OPEN = { lane: 0, request: 0, attempt: 0, tokens: LIMITS.contextLimit, gather: [], gatherTokens: 0 };

/** exp of the mean surprise at every token after the first. */
export async function servedPerplexity(path: ServedPath, tokens: readonly number[]): Promise<number> {
  const rows = path.phase === "prefill" ? await prefilled(path, tokens) : await decoded(path, tokens);
  const sum = rows.reduce((total, row, i) => total + surprise(row, tokens[i + 1]!), 0);
  return Math.exp(sum / rows.length);
}

/** In chunks through all layers but the last, which takes row by row: every position has logits, and every product but its own is a chunk's. */
async function prefilled(path: ServedPath, tokens: readonly number[]): Promise<Float32Array[]> {
  const { layers, width } = path.model.spec;
  const front = await load(path, 0, layers - 1);
  const last = await load(path, layers - 1, layers);
  const rows: Float32Array[] = [];
  const input = Int32Array.from(tokens.slice(0, -1));
  for (let start = 0; start < input.length; start += CHUNK) {
    const chunk = input.subarray(start, start + CHUNK);
    const opens = start === 0 ? [OPEN] : [];
    const row: StepRow = { lane: 0, phase: "prefill", start, count: chunk.length, sample: false };
    const residual = (await front.run({ closes: [], opens, rows: [row], seals: [] }, chunk)).data as Float32Array;
    for (let i = 0; i < chunk.length; i++) {
      const one: StepRow = { lane: 0, phase: "prefill", start: start + i, count: 1, sample: true };
      const task = { closes: [], opens: i === 0 ? opens : [], rows: [one], seals: [] };
      rows.push((await last.run(task, residual.slice(i * width, (i + 1) * width))).data.slice());
    }
  }
  await front.release();
  await last.release();
  return rows;
}

async function decoded(path: ServedPath, tokens: readonly number[]): Promise<Float32Array[]> {
  const stage = await load(path, 0, path.model.spec.layers);
  const rows: Float32Array[] = [];
  for (const [start, token] of tokens.slice(0, -1).entries()) {
    const row: StepRow = { lane: 0, phase: "decode", start, count: 1, sample: true };
    rows.push(
      (await stage.run({ closes: [], opens: start === 0 ? [OPEN] : [], rows: [row], seals: [] }, Int32Array.of(token))).data.slice(),
    );
  }
  await stage.release();
  return rows;
}

function load({ driver, model, format, threads = 2 }: ServedPath, fromLayer: number, toLayer: number): Promise<LoadedStage> {
  const formats = { prefillFormat: format, decodeFormat: format };
  const estimates = { decodeStep: UNKNOWN, prefill512: UNKNOWN, why: "bench" };
  return driver.load(model, { fromLayer, toLayer, device: "cpu-0", driver: driver.id, threads, ...formats, ...estimates }, LIMITS);
}

/** -ln of the token's share in the softmax of the logits. */
export function surprise(logits: Float32Array, token: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > most) most = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - most);
  return most + Math.log(sum) - must(logits[token], "a token of the vocabulary");
}
