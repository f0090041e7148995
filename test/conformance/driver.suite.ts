/** What every stage driver keeps, whatever it runs on; `driver.test.ts` names the drivers. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { seededPrng } from "../../src/base/prng.ts";
import { openDecoderModel } from "../../src/execute/model-store/open-model.ts";
import type { StageDriver } from "../../src/execute/stage-driver.ts";
import type { DecoderModel } from "../../src/graph/decoder/model.ts";
import { kvBytesPerToken } from "../../src/graph/decoder/spec.ts";
import type { ComputeFormat } from "../../src/rack/rack.ts";
import { BLOCK_TOKENS } from "../../src/state/block.ts";
import { largestDifference, loadChain, opening, prefillChunks, rowOf, type StageChain, teacherForced } from "../support/stage-chain.ts";
import { writeTinyGguf } from "../support/tiny-gguf.ts";

export interface DriverCase {
  readonly name: string;
  readonly create: () => Promise<StageDriver>;
}

const NEIGHBOURS = 7;
const LENGTH = 70;
const STEPS = 6;
const FORMATS: readonly ComputeFormat[] = ["f32", "int4", "int8-row"];
/** Largest error of a row's logits relative to its largest one, against f32 of the same 4-bit weights; only activations are rounded. */
const ROUNDING: Readonly<Record<ComputeFormat, number>> = { f32: 1e-4, int4: 0.15, "int8-row": 0.15 };

export function driverSuite({ name, create }: DriverCase): void {
  describe(`driver ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "heddle-driver-"));
    const path = writeTinyGguf(join(folder, "tiny.gguf"), { width: 128, layers: 2, format: "Q4_1", embeddingFormat: "Q8_0" });
    const model: DecoderModel = openDecoderModel(path);
    const prng = seededPrng(11);
    const draw = (count: number): number[] => Array.from({ length: count }, () => Math.floor(prng.nextFloat() * model.spec.vocabulary));
    const prompts = Array.from({ length: NEIGHBOURS + 1 }, (_, i) => draw(LENGTH + 9 * i));
    const texts = prompts.map(() => draw(STEPS));
    let driver: StageDriver;
    beforeAll(async () => {
      driver = await create();
    });
    const chainOf = (format: ComputeFormat): Promise<StageChain> =>
      loadChain(driver, model, { prefillFormat: format, decodeFormat: format });

    test.each(FORMATS)("a request alone and among 7 neighbours has the same logits: %s", async (format) => {
      const alone = await chainOf(format);
      const expected = await prefillChunks(alone, prompts[0]!, [LENGTH]);
      for (const [i, token] of texts[0]!.entries()) expected.push(await alone.step({ rows: [rowOf(0, "decode", LENGTH + i)] }, [token]));
      await alone.release();
      const among = await chainOf(format);
      const rows = await amongNeighbours(among, prompts, texts);
      await among.release();
      const { batchTolerance } = driver.describe();
      for (const [i, row] of expected.entries()) {
        const most = row.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
        expect(largestDifference(row, rows[i]!) / most).toBeLessThanOrEqual(batchTolerance);
      }
      expect(rows.length).toBe(STEPS + 1);
    });

    test.each(FORMATS)("prompts that come in beside decoding rows change neither: %s", async (format) => {
      const [first = [], second = [], third = []] = prompts;
      const apart = await chainOf(format);
      const expected: Float32Array[] = [];
      await prefillChunks(apart, first, [LENGTH]);
      for (const [i, token] of texts[0]!.slice(0, 3).entries()) {
        expected.push(await apart.step({ rows: [rowOf(0, "decode", LENGTH + i)] }, [token]));
      }
      expected.push(...(await prefillChunks(apart, second, [40, 30, second.length - 70], 1)));
      expected.push(...(await prefillChunks(apart, third, [third.length], 2)));
      await apart.release();

      const beside = await chainOf(format);
      await prefillChunks(beside, first, [LENGTH]);
      const rows: Float32Array[][] = [];
      let at = 0;
      for (const [i, count] of [40, 30, second.length - 70].entries()) {
        // The decoding row stands between two prompts in one step, before or behind one in the others.
        const chunk = rowOf(1, "prefill", at, count);
        const decode = rowOf(0, "decode", LENGTH + i);
        const whole = rowOf(2, "prefill", 0, third.length);
        const parts = [
          { row: chunk, tokens: second.slice(at, at + count) },
          { row: decode, tokens: [texts[0]![i]!] },
          ...(i === 1 ? [{ row: whole, tokens: third }] : []),
        ];
        if (i === 2) parts.reverse();
        const opens = i === 0 ? [opening(1)] : i === 1 ? [opening(2)] : [];
        const logits = await beside.step(
          { opens, rows: parts.map((part) => part.row) },
          parts.flatMap((part) => part.tokens),
        );
        const { vocabulary } = model.spec;
        const ofPart = parts.map((_part, index) => logits.slice(index * vocabulary, (index + 1) * vocabulary));
        rows.push(i === 2 ? ofPart.reverse() : ofPart);
        at += count;
      }
      await beside.release();
      const got = [...rows.map((row) => row[1]!), ...rows.map((row) => row[0]!), rows[1]![2]!];
      const { batchTolerance } = driver.describe();
      expect(got.length).toBe(expected.length);
      for (const [i, row] of expected.entries()) {
        const most = row.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
        expect(largestDifference(row, got[i]!) / most).toBeLessThanOrEqual(batchTolerance);
      }
    });

    test.each(FORMATS)("4-bit weights are computed as f32 would: %s", async (format) => {
      const plain = await chainOf("f32");
      const expected = await teacherForced(plain, prompts[0]!.slice(0, 24));
      await plain.release();
      const chain = await chainOf(format);
      const rows = await teacherForced(chain, prompts[0]!.slice(0, 24), "prefill");
      await chain.release();
      const errors = rows.map((row, i) => rootMeanSquare(row, expected[i]!));
      expect(Math.max(...errors)).toBeLessThan(ROUNDING[format]);
    });

    test.each(["Q4_0", "Q4_K", "Q6_K", "Q8_0"] as const)("int4 stages keep weights of %s", async (weights) => {
      const options = { width: 256, layers: 1, format: weights, embeddingFormat: "Q6_K" } as const;
      const other = openDecoderModel(writeTinyGguf(join(folder, `${weights}.gguf`), options));
      const plain = await loadChain(driver, other);
      const chain = await loadChain(driver, other, { prefillFormat: "int4", decodeFormat: "int4" });
      const expected = await teacherForced(plain, prompts[0]!.slice(0, 12));
      const rows = await teacherForced(chain, prompts[0]!.slice(0, 12));
      await plain.release();
      await chain.release();
      expect(Math.max(...rows.map((row, i) => rootMeanSquare(row, expected[i]!)))).toBeLessThan(ROUNDING.int4);
    });

    test("KV takes the pages of the open lanes and gives them back", async () => {
      const chain = await chainOf("f32");
      const [stage] = chain.stages;
      const page = kvBytesPerToken(model.spec) * BLOCK_TOKENS;
      await prefillChunks(chain, prompts[0]!, [LENGTH]);
      await chain.step({ rows: [rowOf(0, "decode", LENGTH)] }, [1]);
      expect(stage?.kvBytes()).toBe(page * Math.ceil(LENGTH / BLOCK_TOKENS));
      await chain.step({ opens: [opening(3, [], 10)], rows: [rowOf(3, "prefill", 0, 10)] }, prompts[3]!.slice(0, 10));
      expect(stage?.kvBytes()).toBe(page * (Math.ceil((LENGTH + 1) / BLOCK_TOKENS) + 1));
      await chain.step({ closes: [0, 3], opens: [opening(0)], rows: [rowOf(0, "prefill", 0, 1)] }, [1]);
      const again = await chain.step({ rows: [rowOf(0, "decode", 1)] }, [2]);
      await chain.release();
      expect(again.length).toBe(model.spec.vocabulary);
    });

    test("a step that does not fit what the lanes hold is refused", async () => {
      const chain = await chainOf("f32");
      await expect(chain.step({ rows: [rowOf(0, "decode", 0)] }, [1])).rejects.toThrow(/row starts/);
      await expect(chain.step({ opens: [opening(0, [{ slot: 9, generation: 0 }])] }, [])).rejects.toThrow(/generation/);
      await expect(chain.step({ opens: [opening(1)], rows: [rowOf(1, "prefill", 0)] }, [model.spec.vocabulary])).rejects.toThrow(
        /vocabulary/,
      );
      await chain.release();
    });

    test("declares its boundary, shapes and formats", () => {
      expect(driver.describe()).toMatchObject({ boundary: "stage", shapes: "dynamic", numerics: FORMATS });
    });
  });
}

/** The first request's logits when seven others prefill and decode in the same tasks. */
async function amongNeighbours(chain: StageChain, prompts: readonly number[][], texts: readonly number[][]): Promise<Float32Array[]> {
  const all = prompts.map((_, lane) => lane);
  const task = { opens: all.map((lane) => opening(lane)), rows: all.map((lane) => rowOf(lane, "prefill", 0, prompts[lane]!.length)) };
  const logits = await chain.step(task, prompts.flat());
  const vocabulary = logits.length / all.length;
  const rows = [logits.slice(0, vocabulary)];
  for (let step = 0; step < STEPS; step++) {
    const decodes = all.map((lane) => rowOf(lane, "decode", prompts[lane]!.length + step));
    const out = await chain.step(
      { rows: decodes },
      texts.map((text) => text[step]!),
    );
    rows.push(out.slice(0, vocabulary));
  }
  return rows;
}

function rootMeanSquare(row: Float32Array, expected: Float32Array): number {
  let error = 0;
  let size = 0;
  for (const [i, value] of expected.entries()) {
    error += (row[i]! - value) ** 2;
    size += value ** 2;
  }
  return Math.sqrt(error / size);
}
