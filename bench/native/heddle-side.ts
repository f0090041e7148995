/** heddle's stages in a process of its own, driven as a replica's engine would: a step is one task, sampling included. */
import { assert, must } from "../../src/base/assert.ts";
import { eightBitShare } from "../../src/cost/block-weights.ts";
import { decodeWeightBytes } from "../../src/cost/decoder-shape.ts";
import type { Lane, StepRow, StepTask } from "../../src/engine/replica-engine-types.ts";
import { measureMemoryBandwidth } from "../../src/execute/discover/measure-memory.ts";
import { rotationTables } from "../../src/execute/drivers/shared/rotations.ts";
import { openDecoderModel } from "../../src/execute/model-store/open-model.ts";
import { stageDriver } from "../../src/execute/replica-host/driver-by-name.ts";
import { sample } from "../../src/execute/sampling/sample.ts";
import { GREEDY } from "../../src/execute/sampling/sampling.ts";
import type { LoadedStage } from "../../src/execute/stage-driver.ts";
import type { DecoderModel } from "../../src/graph/decoder/model.ts";
import { lowerHead, lowerStage } from "../../src/graph/lower/stage-graph.ts";
import { heldInEightBits } from "../../src/plan/kernel-stages.ts";
import { BLOCK_TOKENS, type SlotRef } from "../../src/state/block.ts";
import { benchPrompt } from "./prompt.ts";
import { serveSide } from "./side.ts";
import type { HeddleSetup, SideAnswer, SideQuestion } from "./side-protocol.ts";

const CONTEXT_LIMIT = 2048;
const MAX_SEQUENCES = 17;
const WORKING_PAGES = (MAX_SEQUENCES * CONTEXT_LIMIT) / BLOCK_TOKENS;
const WARM_STEPS = 3;
const UNKNOWN = { valueNs: 1, lowNs: 1, highNs: 1, basis: "extrapolated", source: "bench" } as const;

const setup = JSON.parse(process.argv[2] ?? "{}") as HeddleSetup;
const stages: LoadedStage[] = [];
const prompt = Int32Array.from(benchPrompt(CONTEXT_LIMIT));
const sealed: SlotRef[] = [];
let model: DecoderModel | undefined;
let vocabulary = 0;

await serveSide(answer, async () => {
  model = openDecoderModel(setup.model);
  vocabulary = model.spec.vocabulary;
  const driver = await stageDriver(setup.driver);
  const edges = [0, ...setup.cuts, model.spec.layers];
  const { threads, prefillFormat, decodeFormat } = setup;
  for (let i = 0; i + 1 < edges.length; i++) {
    const range = { fromLayer: edges[i]!, toLayer: edges[i + 1]!, device: "cpu-0", driver: driver.id };
    const stage = { ...range, threads, prefillFormat, decodeFormat, decodeStep: UNKNOWN, prefill512: UNKNOWN, why: "bench" };
    stages.push(await driver.load(model, stage, { maxSequences: MAX_SEQUENCES, contextLimit: CONTEXT_LIMIT, workingPages: WORKING_PAGES }));
  }
});

async function answer(question: SideQuestion): Promise<SideAnswer> {
  switch (question.kind) {
    case "prefill":
      return { kind: "times", ms: [await prefill(question.tokens, question.chunk ?? setup.chunk)] };
    case "decode":
      return { kind: "times", ms: [await decode(question)] };
    case "mixed":
      return mixed(question);
    case "bandwidth":
      return { kind: "bandwidth", weightBytes: weightBytes(), copyBytesPerSecond: measureMemoryBandwidth() };
  }
}

/** Runs a task through the stages and draws a token for every sampled row. */
async function step(task: Partial<StepTask>, tokens: Int32Array): Promise<Int32Array> {
  const whole: StepTask = { closes: [], opens: [], rows: [], seals: [], ...task };
  let data: Int32Array | Float32Array = tokens;
  for (const stage of stages) data = (await stage.run(whole, data)).data;
  const sampled = whole.rows.filter((row) => row.sample).length;
  const history = { tokens: new Int32Array(0), promptTokens: 0 };
  return Int32Array.from({ length: sampled }, (_, row) => {
    const logits = (data as Float32Array).subarray(row * vocabulary, (row + 1) * vocabulary);
    return sample(logits, GREEDY, { index: 0, history }).token;
  });
}

async function prefill(tokens: number, chunk: number, lane: Lane = 0): Promise<number> {
  const start = performance.now();
  for (let at = 0; at < tokens; at += chunk) {
    const count = Math.min(chunk, tokens - at);
    const opens = at === 0 ? [{ lane, request: 0, attempt: 0, tokens, gather: [], gatherTokens: 0 }] : [];
    const row: StepRow = { lane, phase: "prefill", start: at, count, sample: at + count === tokens };
    await step({ opens, rows: [row] }, prompt.subarray(at, at + count));
  }
  const ms = performance.now() - start;
  await step({ closes: [lane] }, new Int32Array(0));
  return ms;
}

/** Opens lanes 0 to batch - 1 with `tokens` tokens each, from sealed blocks computed once. */
async function openLanes(batch: number, tokens: number): Promise<void> {
  assert(tokens % BLOCK_TOKENS === 0, "contexts are whole blocks", { tokens });
  const blocks = tokens / BLOCK_TOKENS;
  for (let block = sealed.length; block < blocks; block++) {
    const target = { slot: block, generation: 0 };
    const opens = [
      {
        lane: 0,
        request: 0,
        attempt: 0,
        tokens: (block + 1) * BLOCK_TOKENS,
        gather: sealed.slice(0, block),
        gatherTokens: block * BLOCK_TOKENS,
      },
    ];
    const start = block * BLOCK_TOKENS;
    const row: StepRow = { lane: 0, phase: "prefill", start, count: BLOCK_TOKENS, sample: false };
    await step(
      { opens, rows: [row], seals: [{ lane: 0, block, tokens: BLOCK_TOKENS, target }] },
      prompt.subarray(start, start + BLOCK_TOKENS),
    );
    await step({ closes: [0] }, new Int32Array(0));
    sealed.push(target);
  }
  const lanes = Array.from({ length: batch }, (_, lane) => lane);
  await step(
    {
      opens: lanes.map((lane) => ({
        lane,
        request: lane,
        attempt: 0,
        tokens,
        gather: sealed.slice(0, blocks),
        gatherTokens: blocks * BLOCK_TOKENS,
      })),
    },
    new Int32Array(0),
  );
}

function decodeRows(batch: number, start: number): StepRow[] {
  return Array.from({ length: batch }, (_, lane) => ({ lane, phase: "decode", start, count: 1, sample: true }));
}

async function decode({ batch, context, steps }: { batch: number; context: number; steps: number }): Promise<number> {
  await openLanes(batch, context);
  let tokens: Int32Array = new Int32Array(batch).fill(prompt[context]!);
  for (let i = 0; i < WARM_STEPS; i++) tokens = await step({ rows: decodeRows(batch, context + i) }, tokens);
  const start = performance.now();
  for (let i = 0; i < steps; i++) tokens = await step({ rows: decodeRows(batch, context + WARM_STEPS + i) }, tokens);
  const ms = (performance.now() - start) / steps;
  await step({ closes: Array.from({ length: batch }, (_, lane) => lane) }, new Int32Array(0));
  return ms;
}

/** Every step of the batch gives one gap to each stream, so gaps of steps are gaps of streams. */
async function mixed({ batch, tokens, chunk }: { batch: number; tokens: number; chunk: number }): Promise<SideAnswer> {
  const context = BLOCK_TOKENS;
  await openLanes(batch, context);
  const steps = Math.ceil(tokens / chunk);
  let last: Int32Array = new Int32Array(batch).fill(prompt[context]!);
  const gap = async (i: number, more?: StepRow): Promise<number> => {
    const rows = [...decodeRows(batch, context + i), ...(more === undefined ? [] : [more])];
    const input = new Int32Array(batch + (more?.count ?? 0));
    input.set(last);
    if (more !== undefined) input.set(prompt.subarray(more.start, more.start + more.count), batch);
    const opens = more?.start === 0 ? [{ lane: batch, request: batch, attempt: 0, tokens, gather: [], gatherTokens: 0 }] : [];
    const start = performance.now();
    last = (await step({ rows, opens }, input)).slice(0, batch);
    return performance.now() - start;
  };
  for (let i = 0; i < WARM_STEPS; i++) await gap(i);
  const aloneMs: number[] = [];
  for (let i = 0; i < steps; i++) aloneMs.push(await gap(WARM_STEPS + i));
  const ms: number[] = [];
  for (let i = 0; i < steps; i++) {
    const start = i * chunk;
    const count = Math.min(chunk, tokens - start);
    ms.push(await gap(WARM_STEPS + steps + i, { lane: batch, phase: "prefill", start, count, sample: start + count === tokens }));
  }
  await step({ closes: Array.from({ length: batch + 1 }, (_, lane) => lane) }, new Int32Array(0));
  return { kind: "times", ms, aloneMs };
}

/** Bytes of the weights of one decode step: one layer's times the layers, and the head's. */
function weightBytes(): number {
  const { spec, weights } = must(model, "the model is open");
  const { decodeFormat: format } = setup;
  if (format === "block-int8") {
    return decodeWeightBytes(
      spec,
      { fromLayer: 0, toLayer: spec.layers, decodeFormat: format },
      heldInEightBits(setup, eightBitShare(weights, spec)),
    );
  }
  const rotations = rotationTables(spec.rope, 1);
  const bytes = (parts: readonly { readonly data: Uint8Array }[]): number => parts.reduce((sum, { data }) => sum + data.byteLength, 0);
  const layer = lowerStage(spec, weights, {
    fromLayer: 0,
    toLayer: 1,
    phase: "decode",
    format,
    pageTokens: BLOCK_TOKENS,
    rotations,
  });
  return spec.layers * bytes(layer.model.weights) + bytes(lowerHead(spec, weights, format).model.weights);
}
