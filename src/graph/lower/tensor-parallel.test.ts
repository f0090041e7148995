// Goal: a gang of ranks gives the logits and the rows of one device. Method: every rank's segments on ONNX Runtime, collectives through in-process
// groups, against the plain reference and the decoder as one graph; in every family, with cuts through quantised blocks and without.
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { loadMember } from "../../../test/support/gang-on-ort.ts";
import { inProcessGroups } from "../../../test/support/in-process-group.ts";
import { referenceLogits } from "../../../test/support/reference-decoder.ts";
import { type TinyModelOptions, tinyGguf } from "../../../test/support/tiny-gguf.ts";
import { bytesOf } from "../../base/bytes.ts";
import { rotationTables } from "../../execute/drivers/shared/rotations.ts";
import { modelsFolder } from "../../execute/model-store/cache-folder.ts";
import { DEFAULT_MODEL, knownModel } from "../../execute/model-store/catalog.ts";
import { openDecoderModel } from "../../execute/model-store/open-model.ts";
import type { DecoderModel } from "../decoder/model.ts";
import { decoderFromGguf } from "../gguf/decoder-from-gguf.ts";
import { readGguf } from "../gguf/read-gguf.ts";
import { type GangProgram, gangFault } from "../program/gang-program.ts";
import { lowerTensorParallel } from "./tensor-parallel.ts";
import { shardWeights } from "./tensor-parallel-weights.ts";

/** f32 sums in another order, relative to the largest logit. */
const CLOSE = 1e-5;
const TOKENS = [3, 141, 59, 26, 53, 58, 97, 93, 23, 84, 62];
const TIMEOUT_MS = 240_000;

describe("tensor-parallel gangs", () => {
  const cases: [string, number, TinyModelOptions][] = [
    ["llama, F32, 2 ranks", 2, {}],
    ["llama, F32, 1 rank", 1, {}],
    ["llama, untied, 4 ranks", 4, { heads: 8, kvHeads: 4, tiedHead: false }],
    ["llama, Q4_1, cuts between blocks, 2 ranks", 2, { width: 128, format: "Q4_1" }],
    ["llama, Q4_1, cuts through blocks, 3 ranks", 3, { width: 96, heads: 6, kvHeads: 3, headDim: 16, feedForward: 96 * 3, format: "Q4_1" }],
    [
      "llama, heads as SmolLM2's, words that do not divide, 3 ranks",
      3,
      { width: 192, heads: 9, kvHeads: 3, headDim: 32, feedForward: 384 },
    ],
    ["qwen2, with biases, 2 ranks", 2, { family: "qwen2" }],
    ["qwen3, with norms of the heads, 2 ranks", 2, { family: "qwen3", headDim: 32 }],
  ];
  it.each(cases)("%s: chunks give the reference's logits on every rank", async (_name, size, options) => {
    const model = decoderFromGguf(readGguf(bytesOf(tinyGguf(options))), "tiny");
    const expected = referenceLogits(model, TOKENS);
    const programs = gangOf(model, size);
    for (const chunks of [[11], [4, 1, 6]]) {
      const logits = await run(programs, model, { tokens: TOKENS, chunks });
      expect(logits).toHaveLength(size);
      for (const rank of logits) expect(largestDifference(rank, expected)).toBeLessThan(CLOSE);
      // Sums are the same bits everywhere, so ranks never drift apart.
      for (const rank of logits.slice(1)) expect(largestDifference(rank, logits[0]!)).toBe(0);
    }
  });

  it("notices a rank that holds another's heads", async () => {
    const model = decoderFromGguf(readGguf(bytesOf(tinyGguf({}))), "tiny");
    const [first] = gangOf(model, 2);
    const logits = await run([first!, { ...first!, rank: 1 }], model, { tokens: TOKENS, chunks: [11] });
    expect(largestDifference(logits[0]!, referenceLogits(model, TOKENS))).toBeGreaterThan(0.01);
  });

  it("refuses what does not divide, by name", () => {
    const refused = (options: TinyModelOptions, size: number): unknown => {
      const model = decoderFromGguf(readGguf(bytesOf(tinyGguf(options))), "tiny");
      const made = lowerTensorParallel(model, size, { rotations: rotationTables(model.spec.rope, 64), logits: "all" });
      return made.ok ? "programs" : made.error;
    };
    expect(refused({ heads: 4, kvHeads: 1 }, 2)).toEqual({ code: "cannot-shard", what: "key and value heads", count: 1, ranks: 2 });
    expect(refused({ heads: 4, kvHeads: 2 }, 3)).toMatchObject({ what: "query heads", count: 4, ranks: 3 });
    expect(refused({ heads: 6, kvHeads: 3, headDim: 16, feedForward: 128 }, 3)).toMatchObject({ what: "feed-forward columns" });
  });

  it("cuts rows as views, and columns without another format where blocks allow", () => {
    const { weights } = decoderFromGguf(readGguf(bytesOf(tinyGguf({ width: 128, format: "Q4_1" }))), "tiny");
    const whole = weights.read("layers.0.q");
    const half = shardWeights({ ...weights, read: () => whole }, { rank: 1, size: 2 }).read("layers.0.q");
    expect(half.data.buffer).toBe(whole.data.buffer);
    expect(half.data.byteOffset - whole.data.byteOffset).toBe(whole.data.byteLength / 2);
    expect(shardWeights(weights, { rank: 1, size: 2 }).read("layers.0.down")).toMatchObject({ format: "Q4_1", shape: [128, 128] });
  });

  it("has one order of collectives for all, and faults are found", () => {
    const model = decoderFromGguf(readGguf(bytesOf(tinyGguf({}))), "tiny");
    const programs = gangOf(model, 2);
    const names = programs[1]!.steps.flatMap((step) => (step.type === "collective" ? [`${step.name} ${step.collective.op}`] : []));
    expect(names).toEqual([
      ...[0, 1].flatMap((layer) => [`layers.${layer}.attention all-reduce`, `layers.${layer}.ffn all-reduce`]),
      "head all-gather",
    ]);
    const [first, second] = programs;
    const without = { ...second!, steps: second!.steps.filter(({ name }) => name !== "layers.1.ffn") };
    expect(gangFault([first!, without])).toContain("differ in their collectives");
    expect(gangFault([second!, first!])).toContain("made for rank 1");
    const late = { ...first!, size: 1, steps: [first!.steps[1]!, first!.steps[0]!] };
    expect(gangFault([late])).toContain("which nothing wrote");
    const twice = { ...first!, size: 1, steps: [first!.steps[0]!, first!.steps[0]!] };
    expect(gangFault([twice])).toContain("again");
  });

  const path = join(modelsFolder(), DEFAULT_MODEL, knownModel(DEFAULT_MODEL)?.file ?? "");
  it.skipIf(!existsSync(path))("SmolLM2 on 3 ranks, one for each of its KV heads", { timeout: TIMEOUT_MS }, async () => {
    const model = openDecoderModel(path);
    const tokens = [504, 3575, 282, 4649, 314];
    const expected = referenceLogits(model, tokens);
    const logits = await run(gangOf(model, 3), model, { tokens, chunks: [4, 1] });
    for (const rank of logits) expect(largestDifference(rank, expected)).toBeLessThan(SMOLLM2_CLOSE);
  });
});

/** Thirty layers of f32 against f64 sums. */
const SMOLLM2_CLOSE = 1e-5;

function gangOf(model: DecoderModel, size: number): readonly GangProgram[] {
  const made = lowerTensorParallel(model, size, { rotations: rotationTables(model.spec.rope, 64), logits: "all" });
  if (!made.ok) throw new TypeError(JSON.stringify(made.error));
  expect(gangFault(made.value)).toBeUndefined();
  return made.value;
}

/** Feeds tokens in chunks, each rank with rows of its own behind its past; logits of every token, of every rank. */
async function run(
  programs: readonly GangProgram[],
  { spec }: DecoderModel,
  { tokens, chunks }: { readonly tokens: readonly number[]; readonly chunks: readonly number[] },
): Promise<readonly Float32Array[][]> {
  const groups = inProcessGroups(programs.length);
  const members = await Promise.all(programs.map((program, rank) => loadMember(program, groups[rank]!)));
  const width = (spec.kvHeads / programs.length) * spec.headDim;
  const ints = (values: readonly number[]): ort.Tensor => new ort.Tensor("int64", BigInt64Array.from(values, BigInt), [values.length]);
  const ranks = members.map(async (member, rank) => {
    const states = programs[rank]!.inputs.filter((name) => /^[kv]\./.test(name));
    const past = new Map(states.map((name) => [name, [] as number[]]));
    const logits: Float32Array[] = [];
    let at = 0;
    for (const count of chunks) {
      const positions = Array.from({ length: count }, (_unused, i) => at + i);
      const feeds: Record<string, ort.Tensor> = { tokens: ints(tokens.slice(at, at + count)), positions: ints(positions) };
      for (const [name, rows] of past) feeds[name] = new ort.Tensor("float32", Float32Array.from(rows), [rows.length / width, width]);
      const outputs = await member.run(feeds);
      for (const [name, rows] of past) rows.push(...(outputs[`${name}.rows`]!.data as Float32Array));
      const all = outputs["logits"]!.data as Float32Array;
      for (let row = 0; row < count; row++) logits.push(all.slice(row * spec.vocabulary, (row + 1) * spec.vocabulary));
      at += count;
    }
    return logits;
  });
  const done = await Promise.all(ranks);
  await Promise.all(members.map((member) => member.release()));
  return done;
}

/** Relative to the largest logit of the row. */
function largestDifference(rows: readonly Float32Array[], expected: readonly Float32Array[]): number {
  return rows.reduce((most, row, t) => {
    const size = expected[t]!.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    return row.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[t]![i]!) / size), most);
  }, 0);
}
