/** What every stage driver keeps, whatever it runs on; `driver.test.ts` names the drivers. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededPrng } from "../../src/base/prng.ts";
import type { StageFormat } from "../../src/cost/stage-format.ts";
import type { Lane } from "../../src/engine/replica-engine-types.ts";
import { openDecoderModel } from "../../src/execute/model-store/open-model.ts";
import { argmax } from "../../src/execute/sampling/ranking.ts";
import { GREEDY } from "../../src/execute/sampling/sampling.ts";
import type { DriverDescription, StageDriver } from "../../src/execute/stage-driver.ts";
import type { DecoderModel } from "../../src/graph/decoder/model.ts";
import { kvBytesPerToken } from "../../src/graph/decoder/spec.ts";
import { wholeModelDriver } from "../../src/plan/whole-model.ts";
import { BLOCK_TOKENS } from "../../src/state/block.ts";
import { referenceLogits } from "../support/reference-decoder.ts";
import { largestDifference, loadChain, opening, prefillChunks, rowOf, type StageChain, teacherForced } from "../support/stage-chain.ts";
import { type TinyModelOptions, writeTinyGguf } from "../support/tiny-gguf.ts";

export interface DriverCase {
  readonly name: string;
  readonly create: () => Promise<StageDriver>;
  /** What the driver must declare; what it lacks is tested to be refused. */
  readonly formats: readonly StageFormat[];
  /** What it must declare for decode steps alone, on this machine. */
  readonly decodeFormats?: readonly StageFormat[];
  readonly boundary: DriverDescription["boundary"];
  readonly sealedBlocks: boolean;
  readonly logits: DriverDescription["logits"];
  /** Why it is left out here: a native library that is not to be had. */
  readonly absent?: string | undefined;
}

const NEIGHBOURS = 7;
const LENGTH = 70;
const STEPS = 6;
/** Largest error of a row's logits relative to its largest one, against f32 of the same 4-bit weights; only activations are rounded. */
const ROUNDING: Readonly<Record<StageFormat, number>> = {
  f32: 1e-4,
  bf16: 0.05,
  int4: 0.15,
  "int8-row": 0.15,
  "block-int8": 0.15,
  file: 0.15,
};

/** Formats of a stage's two phases. */
interface Formats {
  readonly prefillFormat: StageFormat;
  readonly decodeFormat: StageFormat;
}

const folder = mkdtempSync(join(tmpdir(), "heddle-driver-"));
const tiny = (name: string, options: TinyModelOptions): DecoderModel =>
  openDecoderModel(writeTinyGguf(join(folder, `${name}.gguf`), options));
const model = tiny("tiny", { width: 128, layers: 2, format: "Q4_1", embeddingFormat: "Q8_0" });
const PACKED = (["Q4_0", "Q4_K", "Q6_K", "Q8_0"] as const).map((weights) => ({
  weights,
  packed: tiny(weights, { width: 256, layers: 1, format: weights, embeddingFormat: "Q6_K" }),
}));
const prng = seededPrng(11);
const draw = (count: number): number[] => Array.from({ length: count }, () => Math.floor(prng.nextFloat() * model.spec.vocabulary));
const prompts = Array.from({ length: NEIGHBOURS + 1 }, (_, i) => draw(LENGTH + 9 * i));
const texts = prompts.map(() => draw(STEPS));

/** What the plain decoder makes of a model and the first prompt's beginning: the same for every driver and format, so made once. */
const references = new Map<DecoderModel, readonly Float32Array[]>();
function referenceOf(of: DecoderModel, tokens: readonly number[]): readonly Float32Array[] {
  const logits = references.get(of) ?? referenceLogits(of, tokens);
  references.set(of, logits);
  expect(logits.length).toBe(tokens.length);
  return logits;
}

export function driverSuite({ name, create, formats, decodeFormats = [], boundary, sealedBlocks, logits, absent }: DriverCase): void {
  const alike = formats.map((format): Formats => ({ prefillFormat: format, decodeFormat: format }));
  const graphs = formats.filter((format) => format !== "block-int8");
  const apart = decodeFormats.map((decodeFormat): Formats => ({ prefillFormat: graphs.at(-1)!, decodeFormat }));
  const pairs = [...alike, ...apart];
  /** What does not depend on the format is checked in one, and in those that are computed beside the runtime. */
  const few = [alike[0]!, ...alike.filter(({ prefillFormat }) => prefillFormat === "block-int8"), ...apart];
  // The summary of `npm test` names tests of this title with their reason.
  if (absent !== undefined) test.skip(`absent device: driver ${name}: ${absent}`, () => {});
  describe.skipIf(absent !== undefined)(`driver ${name}`, () => {
    let driver: StageDriver;
    beforeAll(async () => {
      driver = await create();
    });
    const chains = new Map<Formats, StageChain>();
    afterAll(async () => {
      for (const chain of chains.values()) await chain.release();
    });
    /** Tests of a pair of formats share a stage, since loading takes longer than they do: lanes left open are closed, and one that fails takes it along. */
    const onChain = async (pair: Formats, use: (chain: StageChain) => Promise<void>): Promise<void> => {
      const chain = chains.get(pair) ?? (await loadChain(driver, model, pair));
      chains.delete(pair);
      const open = new Set<Lane>();
      const step: StageChain["step"] = async (task, tokens) => {
        const logits = await chain.step(task, tokens);
        for (const lane of task.closes ?? []) open.delete(lane);
        for (const { lane } of task.opens ?? []) open.add(lane);
        return logits;
      };
      try {
        await use({ ...chain, step });
        await chain.step({ closes: [...open] }, []);
      } catch (thrown) {
        await chain.release();
        throw thrown;
      }
      chains.set(pair, chain);
    };
    /** Heddle's own kernels compute each row alone. */
    const toleranceOf = ({ decodeFormat }: Formats): number => (decodeFormat === "block-int8" ? 0 : driver.describe().batchTolerance);

    test.each(pairs)("a request alone and among 7 neighbours has the same logits: $prefillFormat, $decodeFormat", (pair) =>
      onChain(pair, async (chain) => {
        const expected = await prefillChunks(chain, prompts[0]!, [LENGTH]);
        for (const [i, token] of texts[0]!.entries()) expected.push(await chain.step({ rows: [rowOf(0, "decode", LENGTH + i)] }, [token]));
        await chain.step({ closes: [0] }, []);
        const rows = await amongNeighbours(chain, prompts, texts);
        for (const [i, row] of expected.entries()) {
          expect(largestDifference(row, rows[i]!) / largest(row)).toBeLessThanOrEqual(toleranceOf(pair));
        }
        expect(rows.length).toBe(STEPS + 1);
      }),
    );

    test.each(pairs)("prompts that come in beside decoding rows change neither: $prefillFormat, $decodeFormat", (pair) =>
      onChain(pair, async (chain) => {
        const [first = [], second = [], third = []] = prompts;
        const expected: Float32Array[] = [];
        await prefillChunks(chain, first, [LENGTH]);
        for (const [i, token] of texts[0]!.slice(0, 3).entries()) {
          expected.push(await chain.step({ rows: [rowOf(0, "decode", LENGTH + i)] }, [token]));
        }
        expected.push(...(await prefillChunks(chain, second, [40, 30, second.length - 70], 1)));
        expected.push(...(await prefillChunks(chain, third, [third.length], 2)));
        await chain.step({ closes: [0, 1, 2] }, []);

        await prefillChunks(chain, first, [LENGTH]);
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
          const logits = await chain.step(
            { opens, rows: parts.map((part) => part.row) },
            parts.flatMap((part) => part.tokens),
          );
          const { vocabulary } = model.spec;
          const ofPart = parts.map((_part, index) => logits.slice(index * vocabulary, (index + 1) * vocabulary));
          rows.push(i === 2 ? ofPart.reverse() : ofPart);
          at += count;
        }
        const got = [...rows.map((row) => row[1]!), ...rows.map((row) => row[0]!), rows[1]![2]!];
        expect(got.length).toBe(expected.length);
        for (const [i, row] of expected.entries()) {
          expect(largestDifference(row, got[i]!) / largest(row)).toBeLessThanOrEqual(toleranceOf(pair));
        }
      }),
    );

    test.each(pairs)("4-bit weights are computed as f32 would: $prefillFormat, $decodeFormat", (pair) =>
      onChain(pair, async (chain) => {
        const { prefillFormat, decodeFormat } = pair;
        const expected = referenceOf(model, prompts[0]!.slice(0, 24));
        const rows = await teacherForced(chain, prompts[0]!.slice(0, 24), prefillFormat === decodeFormat ? "prefill" : "decode");
        const errors = rows.map((row, i) => rootMeanSquare(level(row), level(expected[i]!)));
        expect(Math.max(...errors)).toBeLessThan(roundingOf(decodeFormat));
      }),
    );

    test.each(PACKED)("4-bit and other packed weights of $weights are kept", async ({ packed }) => {
      const expected = referenceOf(packed, prompts[0]!.slice(0, 12));
      const fours = alike.find(({ prefillFormat }) => prefillFormat === "int4") ?? alike[0]!;
      for (const pair of [fours, ...apart]) {
        const chain = await loadChain(driver, packed, pair);
        const rows = await teacherForced(chain, prompts[0]!.slice(0, 12));
        await chain.release();
        expect(Math.max(...rows.map((row, i) => rootMeanSquare(level(row), level(expected[i]!))))).toBeLessThan(ROUNDING.int4);
      }
    });

    test("models that are loaded at once keep their own weights", async () => {
      const { packed } = PACKED[0]!;
      const chains = await Promise.all([packed, model].map((of) => loadChain(driver, of, alike[0]!)));
      for (const [i, tokens] of [12, 24].entries()) {
        const expected = referenceOf([packed, model][i]!, prompts[0]!.slice(0, tokens));
        const rows = await teacherForced(chains[i]!, prompts[0]!.slice(0, 12));
        const errors = rows.map((row, at) => rootMeanSquare(level(row), level(expected[at]!)));
        expect(Math.max(...errors)).toBeLessThan(roundingOf(alike[0]!.decodeFormat));
        await chains[i]!.release();
      }
    });

    test.each(few)("KV takes the pages of the open lanes and gives them back: $prefillFormat, $decodeFormat", (pair) =>
      onChain(pair, async (chain) => {
        const [stage] = chain.stages;
        const page = kvBytesPerToken(model.spec) * BLOCK_TOKENS;
        await prefillChunks(chain, prompts[0]!, [LENGTH]);
        await chain.step({ rows: [rowOf(0, "decode", LENGTH)] }, [1]);
        const pages = Math.ceil((LENGTH + 1) / BLOCK_TOKENS);
        const working = (stage?.kvBytes() ?? 0) / pages;
        // Kernels may keep working pages in fewer bytes than those of prompts and sealed blocks, or in 8 bits as well.
        if (pair.decodeFormat !== "block-int8") expect(working).toBe(page);
        expect(working).toBeLessThan(1.5 * page);
        expect(working).toBeGreaterThan(page / 4);
        await chain.step({ opens: [opening(3, [], 10)], rows: [rowOf(3, "prefill", 0, 10)] }, prompts[3]!.slice(0, 10));
        // Prompts that are rows of decode steps take no pages of another kind.
        expect(stage?.kvBytes()).toBe(working * pages + (pair.prefillFormat === "block-int8" ? working : page));
        await chain.step({ closes: [0, 3], opens: [opening(0)], rows: [rowOf(0, "prefill", 0, 1)] }, [1]);
        const again = await chain.step({ rows: [rowOf(0, "decode", 1)] }, [2]);
        expect(again.length).toBe(model.spec.vocabulary);
      }),
    );

    test("a step that does not fit what the lanes hold is refused", async () => {
      const chain = await loadChain(driver, model, alike[0]!);
      await expect(chain.step({ rows: [rowOf(0, "decode", 0)] }, [1])).rejects.toThrow(/row starts/);
      await expect(chain.step({ opens: [opening(0, [{ slot: 9, generation: 0 }])] }, [])).rejects.toThrow(
        sealedBlocks ? /generation/ : /no sealed blocks/,
      );
      await expect(chain.step({ opens: [opening(1)], rows: [rowOf(1, "prefill", 0)] }, [model.spec.vocabulary])).rejects.toThrow(
        /vocabulary/,
      );
      await chain.release();
    });

    test.each(few)(
      "a range of layers is loaded, or refused where the whole model is the boundary: $prefillFormat, $decodeFormat",
      async (pair) => {
        const halves = (): Promise<StageChain> => loadChain(driver, model, { cuts: [1], ...pair });
        if (boundary === "model") return expect(halves()).rejects.toThrow(/all 2 layers or none/);
        let expected: readonly Float32Array[] = [];
        await onChain(pair, async (whole) => {
          expected = await teacherForced(whole, prompts[0]!.slice(0, 4));
        });
        const split = await halves();
        const rows = await teacherForced(split, prompts[0]!.slice(0, 4));
        await split.release();
        expect(rows.length).toBe(4);
        for (const [i, row] of rows.entries()) expect(largestDifference(row, expected[i]!) / largest(row)).toBeLessThan(ROUNDING.f32);
      },
    );

    test.each(few)("a sealed block stands for its tokens, or is refused where there are none: $prefillFormat, $decodeFormat", (pair) =>
      onChain(pair, async (chain) => {
        const seal = { lane: 0, block: 0, tokens: BLOCK_TOKENS, target: { slot: 0, generation: 0 } };
        const prompt = prompts[0]!.slice(0, BLOCK_TOKENS);
        const task = { opens: [opening(0)], rows: [rowOf(0, "prefill", 0, BLOCK_TOKENS)], seals: [seal] };
        if (!sealedBlocks) {
          await expect(chain.step(task, prompt)).rejects.toThrow(/no sealed blocks/);
        } else {
          const [stage] = chain.stages;
          const answers: unknown[] = [];
          const { data, busyNs } = await stage!.run({ closes: [], ...task }, Int32Array.from(prompt), undefined, (answer) => {
            answers.push({ logits: answer.data.slice(), early: answer.busyNs, kvBytes: stage!.kvBytes() });
          });
          // An answer does not wait for its blocks to be sealed, but they are counted already.
          expect(answers).toEqual([{ logits: data.slice(), early: expect.any(Number), kvBytes: stage!.kvBytes() }]);
          expect((answers[0] as { early: number }).early).toBeLessThan(busyNs);
          // Its last tokens may come from decode steps: what they wrote is sealed, gathered and read like the rest.
          const cut = BLOCK_TOKENS - 3;
          await chain.step({ opens: [opening(2)], rows: [rowOf(2, "prefill", 0, cut)] }, prompt.slice(0, cut));
          const written = { ...seal, lane: 2, target: { slot: 1, generation: 0 } };
          for (let at = cut; at < BLOCK_TOKENS; at++) {
            await chain.step({ rows: [rowOf(2, "decode", at)], seals: at + 1 === BLOCK_TOKENS ? [written] : [] }, [prompt[at]!]);
          }
          const after = await chain.step({ rows: [rowOf(2, "decode", BLOCK_TOKENS)] }, [1]);
          const again = { closes: [2], opens: [opening(3, [written.target])], rows: [rowOf(3, "decode", BLOCK_TOKENS)] };
          expect(largestDifference(await chain.step(again, [1]), after)).toBe(0);
          const next = { rows: [rowOf(0, "decode", BLOCK_TOKENS)] };
          const expected = await chain.step(next, [1]);
          const gathered = { closes: [0], opens: [opening(1, [seal.target])], rows: [{ ...rowOf(1, "decode", BLOCK_TOKENS) }] };
          expect(largestDifference(await chain.step(gathered, [1]), expected)).toBe(0);
        }
      }),
    );

    test("a greedy draw may be told the likeliest token alone, and it is the right one", () =>
      onChain(alike[0]!, async (chain) => {
        const [stage] = chain.stages;
        const task = { closes: [], opens: [opening(0), opening(1)], seals: [] };
        const rows = [0, 1].map((lane) => rowOf(lane, "prefill", 0, 9));
        const input = Int32Array.from([...prompts[0]!.slice(0, 9), ...prompts[0]!.slice(0, 9)]);
        const { data } = await stage!.run({ ...task, rows }, input, [GREEDY, { ...GREEDY, topLogprobs: 1 }]);
        const [told, all] = [data.subarray(0, model.spec.vocabulary), data.subarray(model.spec.vocabulary)];
        await chain.step({ closes: [0, 1] }, []);
        expect(argmax(told)).toBe(argmax(all));
        expect(all.every((value) => Number.isFinite(value))).toBe(true);
      }));

    test("declares its boundary, shapes and formats", () => {
      expect(wholeModelDriver(driver.id)).toBe(boundary === "model");
      expect(driver.describe()).toMatchObject({
        boundary,
        shapes: "dynamic",
        numerics: formats,
        decodeNumerics: decodeFormats,
        sealedBlocks,
        logits,
      });
    });

    /** Logits without the constant that relative ones lack. */
    function level(row: Float32Array): Float32Array {
      if (logits === "absolute") return row;
      const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
      return row.map((value) => value - mean);
    }
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

function largest(row: Float32Array): number {
  return row.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
}

function roundingOf(format: StageFormat): number {
  expect(ROUNDING).toHaveProperty([format]);
  return ROUNDING[format as keyof typeof ROUNDING];
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
