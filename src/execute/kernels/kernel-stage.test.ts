// Goal: a stage of decode kernels computes what block-int8 says, in every format, family, shape and length, on any number of threads, and each row
// alone. Method: seeded draws of models and rows against plain f64 arithmetic that shares no code with the kernels. Rows of which some activation lies
// within 1/2000 of a level of the middle between two are drawn anew, since sums in another order may round it the other way; so tolerances are f32's.
import { describe, expect, it } from "vitest";
import { type BlockInt8Stage, blockInt8Stage } from "../../../test/support/block-int8-decoder.ts";
import { writeGguf } from "../../../test/support/gguf-writer.ts";
import { type TinyModelOptions, tinyGgufParts } from "../../../test/support/tiny-gguf.ts";
import { must } from "../../base/assert.ts";
import { bytesOf } from "../../base/bytes.ts";
import { type Prng, seededPrng } from "../../base/prng.ts";
import { decodeWeightBytes } from "../../cost/decoder-shape.ts";
import type { DecoderModel } from "../../graph/decoder/model.ts";
import type { WeightFormat } from "../../graph/decoder/weights.ts";
import { decoderFromGguf } from "../../graph/gguf/decoder-from-gguf.ts";
import { readGguf } from "../../graph/gguf/read-gguf.ts";
import { kernelPageBytes, kernelRoomBytes } from "../../plan/kernel-stages.ts";
import { BLOCK_TOKENS, pagesFor } from "../../state/block.ts";
import { copyTokens } from "../drivers/shared/copy-tokens.ts";
import type { KernelPart, KernelStage } from "../drivers/shared/decode-kernels.ts";
import { loadKernelStage } from "./kernel-stage.ts";
import { webAssembly } from "./web-assembly.ts";

const FORMATS: readonly WeightFormat[] = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q8_0", "Q4_K", "Q6_K"];
/** Largest difference from the plain arithmetic, of the largest value of the row: f32 sums of some hundred terms, exponentials to 2e-7; 1.1e-6 was met. */
const TOLERANCE = 5e-6;
/** Keys and values in halves of a level: scales of keys are rounded up by 2^-16, and what is rounded is off by f32's sums. */
const STRAY = 1.005;
/** Levels between an activation and the middle of two levels: f32 activations are off by 127 · 1e-6. */
const DOUBT = 0.0005;
const CONTEXT = 256;
const PAGES = 24;
/** Rows that a step has room for. */
const ROWS = 44;

interface Case extends TinyModelOptions {
  readonly rows: number;
  readonly threads: number;
  /** Formats of single matrices, by the end of their names in the file. */
  readonly formats?: Readonly<Record<string, WeightFormat>>;
}

function modelOf({ formats = {}, ...options }: Case): DecoderModel {
  const { metadata, tensors } = tinyGgufParts(options);
  const changed = tensors.map((tensor) => {
    const [, format] = Object.entries(formats).find(([end]) => tensor.name.endsWith(end)) ?? [];
    return format === undefined ? tensor : { ...tensor, format };
  });
  return decoderFromGguf(readGguf(bytesOf(writeGguf(metadata, changed))));
}

function uniform(prng: Prng, length: number): Float32Array {
  return Float32Array.from({ length }, () => 2 * prng.nextFloat() - 1);
}

/** Rows with pages of their own in any order, and a stream that is drawn until `accept` takes it. */
function drawRow(prng: Prng, width: number, accept: (x: Float64Array) => boolean): Float32Array {
  for (let draws = 0; draws < 200; draws++) {
    const x = uniform(prng, width);
    if (accept(Float64Array.from(x))) return x;
  }
  expect.unreachable("200 rows are all in doubt");
}

function expectNear(found: Float32Array, expected: ArrayLike<number>, what: string): void {
  let largest = 0;
  let worst = 0;
  for (let i = 0; i < found.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    worst = Math.max(worst, Math.abs(expected[i]! - found[i]!));
  }
  // A NaN is less than nothing.
  expect(worst / largest, what).toBeLessThan(TOLERANCE);
}

function bits(values: Float32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
}

interface Rig {
  readonly model: DecoderModel;
  readonly plain: BlockInt8Stage;
  readonly stage: KernelStage;
  readonly prng: Prng;
}

async function withStage(given: Case, layers: readonly [number, number], check: (rig: Rig) => void): Promise<void> {
  const model = modelOf(given);
  const [fromLayer, toLayer] = layers;
  const request = { fromLayer, toLayer, threads: given.threads, contextLimit: CONTEXT, pageCapacity: PAGES, maxRows: ROWS };
  const stage = await loadKernelStage(model, request);
  try {
    check({ model, plain: blockInt8Stage(model, fromLayer, toLayer), stage, prng: seededPrng((given.seed ?? 1) + 77) });
  } finally {
    await stage.release();
  }
}

/** Positions of rows: within a page, at its ends, over several. */
function drawRows(prng: Prng, count: number): KernelPart[] {
  const free = Array.from({ length: PAGES }, (_, page) => page);
  return Array.from({ length: count }, () => {
    const position = [0, 1, BLOCK_TOKENS - 1, BLOCK_TOKENS, prng.nextBelow(BLOCK_TOKENS), prng.nextBelow(200)][prng.nextBelow(6)]!;
    const pages = Array.from({ length: pagesFor(position + 1) }, () => free.splice(prng.nextBelow(free.length), 1)[0]!);
    return { position, count: 1, pages };
  });
}

/** What all pages hold, [capacity, KV, 64, D] a layer and kind. */
function contents({ model, stage }: Rig): Float32Array[] {
  const size = pageFloats(model);
  return Array.from({ length: stage.pages.buffers }, (_, buffer) => {
    const all = new Float32Array(PAGES * size);
    for (let page = 0; page < PAGES; page++) stage.pages.read(buffer, page, all.subarray(page * size, (page + 1) * size));
    return all;
  });
}

function put({ model, stage }: Rig, held: readonly Float32Array[]): void {
  const size = pageFloats(model);
  held.forEach((all, buffer) => {
    for (let page = 0; page < PAGES; page++) stage.pages.put(buffer, page, all.subarray(page * size, (page + 1) * size));
  });
}

/** The same, the pages laid out token by token. */
function putTokens({ model, stage }: Rig, held: readonly Float32Array[]): void {
  const { kvHeads, headDim } = model.spec;
  const size = pageFloats(model);
  const turned = new Float32Array(size);
  const laid = { layout: "heads", capacity: BLOCK_TOKENS, first: 0 } as const;
  held.forEach((data, buffer) => {
    for (let page = 0; page < PAGES; page++) {
      const to = { ...laid, data: turned, layout: "tokens", offset: 0 } as const;
      copyTokens({ ...laid, data, offset: page * size }, to, BLOCK_TOKENS, { kvHeads, headDim });
      must(stage.pages.putTokens, "kernels take pages token by token")(buffer, page, turned);
    }
  });
}

function pageFloats({ spec }: DecoderModel): number {
  return spec.kvHeads * BLOCK_TOKENS * spec.headDim;
}

/**
 * One step: each row alone against the plain arithmetic, its key and value within half a level; then all together, with the same bits; every other value
 * of the pages as it was.
 */
function checkStep(rig: Rig, count: number): void {
  const { model, plain, stage, prng } = rig;
  const { width } = model.spec;
  const drawn = Array.from({ length: stage.pages.buffers }, () => uniform(prng, PAGES * pageFloats(model)));
  put(rig, drawn);
  const before = contents(rig);
  put(rig, before);
  expect(contents(rig).map(bits).join() === before.map(bits).join(), "pages put anew are the same").toBe(true);
  const empty = drawn.map(({ length }) => new Float32Array(length));
  put(rig, empty);
  putTokens(rig, drawn);
  expect(contents(rig).map(bits).join() === before.map(bits).join(), "pages that come token by token are the same").toBe(true);
  const rows = drawRows(prng, count);
  const size = pageFloats(model);
  // A row writes to its last page alone.
  const lastOf = ({ pages }: KernelPart, all: readonly Float32Array[], buffer: number): Float32Array =>
    all[buffer]!.subarray(pages.at(-1)! * size, (pages.at(-1)! + 1) * size);
  const readLast = (row: KernelPart, to: readonly Float32Array[]): void => {
    for (const buffer of to.keys()) stage.pages.read(buffer, row.pages.at(-1)!, lastOf(row, to, buffer));
  };
  const putLast = (row: KernelPart): void => {
    for (const buffer of before.keys()) stage.pages.put(buffer, row.pages.at(-1)!, lastOf(row, before, buffer));
  };
  const written = before.map((page) => page.slice());
  const scratch = before.map((page) => page.slice());
  const x = new Float32Array(count * width);
  const alone = rows.map((row, i) => {
    const own = new Float32Array(width);
    const stream = drawRow(prng, width, (given) => {
      putLast(row);
      own.set(given);
      stage.step([row], own);
      readLast(row, written);
      const expected = plain.decode({ x: given, ...row, written }, scratch);
      if (expected.doubt <= DOUBT) return false;
      expectNear(own, expected.row, `row ${i} at ${row.position}`);
      expect(expected.stray, `key and value of row ${i}`).toBeLessThan(STRAY);
      return true;
    });
    putLast(row);
    x.set(stream, i * width);
    return own;
  });
  stage.step(rows, x);
  const after = contents(rig);
  alone.forEach((own, i) => {
    expect(bits(x.subarray(i * width, (i + 1) * width)), `row ${i} among others`).toBe(bits(own));
  });
  expect(after.map(bits).join() === written.map(bits).join(), "keys and values among others are the same").toBe(true);
  put(rig, after);
  expect(contents(rig).map(bits).join() === after.map(bits).join(), "what a step wrote, put anew, is the same").toBe(true);
  after.forEach((page, i) => {
    const changed = page.reduce((total, value, at) => total + (value === before[i]![at] ? 0 : 1), 0);
    expect(changed, `values written to pages ${i}`).toBeLessThanOrEqual(count * model.spec.kvHeads * model.spec.headDim);
  });
}

function checkHead({ model, plain, stage, prng }: Rig, count: number): void {
  const { width, vocabulary } = model.spec;
  const streams = Array.from({ length: count }, () => drawRow(prng, width, (x) => plain.head(x).doubt > DOUBT));
  const x = Float32Array.from(streams.flatMap((stream) => [...stream]));
  const logits = stage.head(x, count);
  expect(logits).toHaveLength(count * vocabulary);
  streams.forEach((stream, i) => {
    const found = logits.subarray(i * vocabulary, (i + 1) * vocabulary);
    expectNear(found, plain.head(Float64Array.from(stream)).row, `logits ${i}`);
    expect(bits(stage.head(stream, 1)), `logits ${i} alone`).toBe(bits(found));
  });
}

describe("a stage of decode kernels", () => {
  it.each(FORMATS.map((format) => [format]))("products of %s, any number of outputs", async (format) => {
    const width = format === "Q4_K" || format === "Q6_K" ? 256 : 96;
    for (const [vocabulary, rows, threads] of [
      [259, 1, 1],
      [266, 17, 2],
    ] as const) {
      const given: Case = { layers: 1, width, vocabulary, embeddingFormat: format, headDim: 16, rows, threads, seed: vocabulary };
      await withStage(given, [0, 1], (rig) => checkHead(rig, rows));
    }
  });

  const shapes: [string, Case][] = [
    ["llama, three heads a key", { width: 96, heads: 6, kvHeads: 2, headDim: 16, feedForward: 160, rows: 3, threads: 2 }],
    ["llama, one head a key", { width: 64, heads: 4, kvHeads: 4, headDim: 64, feedForward: 96, rows: 4, threads: 1 }],
    ["llama, five heads a key", { width: 64, heads: 5, kvHeads: 1, headDim: 32, feedForward: 64, rows: 2, threads: 3 }],
    ["llama, heads of 80", { width: 64, heads: 4, kvHeads: 2, headDim: 80, feedForward: 96, rows: 2, threads: 1 }],
    ["qwen2: biases, halves turned", { family: "qwen2", width: 64, heads: 4, kvHeads: 2, headDim: 32, rows: 3, threads: 2 }],
    ["qwen3: head norms", { family: "qwen3", width: 64, heads: 6, kvHeads: 3, headDim: 24, feedForward: 224, rows: 3, threads: 1 }],
    ["widths that 32 does not divide", { width: 72, heads: 3, kvHeads: 1, headDim: 12, feedForward: 100, rows: 3, threads: 2 }],
    ["YaRN", { width: 64, ropeScaling: { kind: "yarn", factor: 4, originalContext: 64 }, rows: 2, threads: 1 }],
    ["4 bits", { width: 64, format: "Q4_0", rows: 6, threads: 2 }],
    ["4 bits with minima", { width: 128, heads: 4, headDim: 32, feedForward: 96, format: "Q4_1", rows: 1, threads: 2 }],
    [
      "4 bits, 8 bits of values and of down",
      {
        width: 256,
        heads: 4,
        headDim: 64,
        feedForward: 256,
        format: "Q4_K",
        formats: { "attn_v.weight": "Q6_K", "ffn_down.weight": "Q6_K" },
        rows: 2,
        threads: 2,
      },
    ],
    ["8 bits", { width: 64, format: "Q8_0", rows: 5, threads: 1 }],
  ];
  it.each(shapes)("decodes as the plain arithmetic: %s", async (_name, given) => {
    await withStage({ layers: 2, ...given }, [1, 2], (rig) => {
      checkStep(rig, given.rows);
      checkStep(rig, given.rows);
    });
  });

  it("decodes as the plain arithmetic: drawn shapes", async () => {
    const prng = seededPrng(20);
    for (let draw = 0; draw < 8; draw++) {
      const pick = <T>(...values: readonly T[]): T => values[prng.nextBelow(values.length)]!;
      const kvHeads = pick(1, 2, 3);
      const format = pick<WeightFormat>("F32", "F16", "BF16", "Q4_0", "Q4_1", "Q8_0");
      const plain = format.startsWith("F") || format === "BF16";
      const headDim = plain ? pick(8, 16, 20, 32) : 32;
      const given: Case = {
        family: pick("llama", "qwen2", "qwen3"),
        layers: 1,
        width: plain ? pick(32, 48, 96) : pick(32, 64, 96),
        heads: kvHeads * pick(1, 2, 3, 4),
        kvHeads,
        headDim,
        feedForward: plain ? pick(36, 64, 132) : pick(64, 160),
        vocabulary: 259 + prng.nextBelow(40),
        tiedHead: pick(true, false),
        format,
        rows: 1 + prng.nextBelow(6),
        threads: pick(1, 1, 2, 3),
        seed: draw + 1,
      };
      await withStage(given, [0, 1], (rig) => {
        checkStep(rig, given.rows);
        checkHead(rig, given.rows);
      });
    }
  });

  it("gives the same bits on one thread and on four, every time", async () => {
    const given: Case = { layers: 3, width: 96, heads: 6, kvHeads: 3, headDim: 16, feedForward: 320, format: "Q4_0", rows: 4, threads: 1 };
    const rows = drawRows(seededPrng(5), given.rows);
    const stream = uniform(seededPrng(6), given.rows * given.width!);
    const steps = async (threads: number, count: number): Promise<string[]> => {
      const found: string[] = [];
      await withStage({ ...given, threads }, [0, 3], (rig) => {
        const { stage } = rig;
        put(
          rig,
          Array.from({ length: rig.stage.pages.buffers }, (_, i) => uniform(seededPrng(i), PAGES * pageFloats(rig.model))),
        );
        for (let step = 0; step < count; step++) {
          const x = stream.slice();
          stage.step(rows, x);
          found.push(bits(x) + bits(stage.head(x, given.rows)));
        }
      });
      return found;
    };
    const [expected] = await steps(1, 1);
    expect(await steps(4, 60)).toEqual(Array.from({ length: 60 }, () => expected));
  });

  const prompts: [string, Case][] = [
    ["4 bits, three heads a key", { width: 96, heads: 6, kvHeads: 2, headDim: 16, feedForward: 160, format: "Q4_1", rows: 1, threads: 2 }],
    ["head norms, widths that 32 does not divide", { family: "qwen3", width: 72, heads: 3, kvHeads: 3, headDim: 12, rows: 1, threads: 3 }],
    ["8 bits, biases", { family: "qwen2", width: 64, heads: 4, kvHeads: 1, headDim: 32, format: "Q8_0", rows: 1, threads: 1 }],
  ];
  it.each(prompts)(
    "a prompt in parts of any size, alone and beside others, is what its tokens are one by one: %s",
    async (_name, given) => {
      const length = 90;
      await withStage({ layers: 2, ...given }, [0, 2], (rig) => {
        const { stage, model, prng } = rig;
        const { width } = model.spec;
        const empty = Array.from({ length: stage.pages.buffers }, () => uniform(prng, PAGES * pageFloats(model)));
        const prompt = uniform(prng, length * width);
        const others = uniform(prng, 3 * width);
        const pages = [7, 2, 11];
        // Sequences of others: their own pages, the last of which is nobody else's.
        const beside = [0, 64, 100].map((position, i) => ({ position, count: 1, pages: [3 * i + 12, 3 * i + 13] }));
        put(rig, empty);
        const one = prompt.slice();
        for (let at = 0; at < length; at++) stage.step([{ position: at, count: 1, pages }], one.subarray(at * width, (at + 1) * width));
        const apart = others.slice();
        beside.forEach((row, i) => {
          stage.step([row], apart.subarray(i * width, (i + 1) * width));
        });
        const expected = [bits(one), bits(apart), ...contents(rig).map(bits)].join();
        for (const sizes of [
          [44, 44, 2],
          [1, 2, 3, 30, 41, 13],
          [40, 40, 10],
        ]) {
          put(rig, empty);
          const found = prompt.slice();
          const foundBeside = others.slice();
          let at = 0;
          for (const [turn, count] of sizes.entries()) {
            // One of the others goes before the part and one behind it, where there is room.
            const more = count <= ROWS - 2 && turn < 2 ? beside.slice(turn, turn + 2) : [];
            const [first, second] = more.map((_row, i) => others.subarray((turn + i) * width, (turn + i + 1) * width));
            const part = { position: at, count, pages };
            const own = prompt.subarray(at * width, (at + count) * width);
            const x = Float32Array.from([...(first ?? []), ...own, ...(second ?? [])]);
            stage.step([...more.slice(0, 1), part, ...more.slice(1)], x);
            if (first !== undefined) foundBeside.set(x.subarray(0, width), turn * width);
            if (second !== undefined) foundBeside.set(x.subarray(x.length - width), (turn + 1) * width);
            found.set(x.subarray(more.length === 0 ? 0 : width, (more.length === 0 ? 0 : width) + own.length), at * width);
            at += count;
          }
          expect(at).toBe(length);
          // Where no part had room beside it, they come behind it.
          if (bits(foundBeside) === bits(others)) {
            beside.forEach((row, i) => {
              stage.step([row], foundBeside.subarray(i * width, (i + 1) * width));
            });
          }
          expect([bits(found), bits(foundBeside), ...contents(rig).map(bits)].join() === expected, `parts of ${sizes.join(", ")}`).toBe(
            true,
          );
        }
      });
    },
  );

  it("a stream of zeros stays so", async () => {
    await withStage({ width: 64, rows: 1, threads: 1 }, [0, 2], ({ stage, model }) => {
      const x = new Float32Array(model.spec.width);
      stage.step([{ position: 0, count: 1, pages: [0] }], x);
      expect(x).toEqual(new Float32Array(model.spec.width));
      expect(stage.head(x, 1)).toEqual(new Float32Array(model.spec.vocabulary));
    });
  });
});

describe("what the planner knows of the kernels", () => {
  it.each([
    { layers: 1, width: 64, threads: 1, maxRows: 16, contextLimit: 2048 },
    { layers: 1, width: 512, threads: 2, maxRows: 1024, contextLimit: 512 },
    { layers: 2, width: 96, threads: 2, maxRows: 4, contextLimit: 131_072 },
  ])("is no less than what they take, and hardly more: $maxRows rows, context $contextLimit", async ({ layers, width, ...limits }) => {
    const model = modelOf({ layers, width, format: "Q4_1", embeddingFormat: "Q4_1", rows: 1, threads: limits.threads });
    const { spec } = model;
    const request = { fromLayer: 0, toLayer: layers, pageCapacity: PAGES, ...limits };
    const { Memory } = webAssembly;
    let taken = 0;
    const counting = class extends Memory {
      constructor(size: ConstructorParameters<typeof Memory>[0]) {
        super(size);
        taken = size.initial * 65_536;
      }
    };
    Object.assign(webAssembly, { Memory: counting });
    const stage = await loadKernelStage(model, request).finally(() => Object.assign(webAssembly, { Memory }));
    await stage.release();
    const shape = { ...request, driver: "ort", prefillFormat: "f32", decodeFormat: "block-int8", maxSequences: limits.maxRows } as const;
    const weights = decodeWeightBytes(spec, shape, { layers: 0, head: 0 });
    const { keys, values } = kernelPageBytes(spec);
    const known = weights + PAGES * layers * (keys + values) + kernelRoomBytes(spec, shape);
    expect(taken).toBeLessThanOrEqual(known);
    expect(known).toBeLessThan(1.1 * taken + 5e6);
  });

  it("refuses heads and widths that are no whole vectors, which would be read beyond their end", async () => {
    const model = modelOf({ layers: 1, width: 24, heads: 4, kvHeads: 2, rows: 1, threads: 1 });
    const request = { fromLayer: 0, toLayer: 1, threads: 1, contextLimit: CONTEXT, pageCapacity: PAGES, maxRows: 1 };
    expect(model.spec.headDim).toBe(6);
    await expect(loadKernelStage(model, request)).rejects.toMatchObject({
      code: "plan-invalid",
      detail: expect.stringContaining("head size 6"),
    });
  });
});
