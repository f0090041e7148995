// Goal: a stage whose decode steps are computed beside its runtime gives them the right pages, and makes no graphs for them. Method: ONNX Runtime with
// kernels that only write down what they are asked.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadChain, opening, prefillChunks, rowOf } from "../../../../test/support/stage-chain.ts";
import { writeTinyGguf } from "../../../../test/support/tiny-gguf.ts";
import { must } from "../../../base/assert.ts";
import { ok } from "../../../base/result.ts";
import { BLOCK_TOKENS } from "../../../state/block.ts";
import { openDecoderModel } from "../../model-store/open-model.ts";
import type { StageDriver } from "../../stage-driver.ts";
import { loadOrtRuntime } from "../ort/ort-runtime.ts";
import type { DecodeKernels, KernelPart, KernelStageRequest } from "./decode-kernels.ts";
import { onnxStageDriver } from "./onnx-stage-driver.ts";

const FORMATS = { prefillFormat: "f32", decodeFormat: "block-int8" } as const;
const model = openDecoderModel(writeTinyGguf(join(mkdtempSync(join(tmpdir(), "heddle-kernels-")), "tiny.gguf"), { width: 64, layers: 2 }));
const { kvHeads, headDim, vocabulary, width } = model.spec;
const PAGE = kvHeads * BLOCK_TOKENS * headDim;
/** What the kernels say a page of a layer takes. */
const BYTES = 1000;
/** Pages a lane's prompt is opened for by default. */
const OPENED_PAGES = 1024 / BLOCK_TOKENS;
const tokens = Array.from({ length: 70 }, (_, i) => (7 * i) % vocabulary);

interface Written {
  readonly requests: KernelStageRequest[];
  readonly steps: KernelPart[][];
  /** Pages that were put of the first layer's keys. */
  readonly put: number[];
  readonly pages: Float32Array[];
  sessions: number;
  released: number;
}

/** A driver whose kernels add 1 to every row, and give each row's first value as all its logits. */
async function writingDriver(refusal?: string, prompts = true): Promise<{ driver: StageDriver; written: Written }> {
  const written: Written = { requests: [], steps: [], put: [], pages: [], sessions: 0, released: 0 };
  const load: DecodeKernels["load"] = async (_model, request) => {
    written.requests.push(request);
    const buffers = 2 * (request.toLayer - request.fromLayer);
    const pages = Array.from({ length: buffers }, () => new Float32Array(request.pageCapacity * PAGE));
    written.pages.push(...pages);
    const pageOf = (buffer: number, page: number): Float32Array => pages[buffer]!.subarray(page * PAGE, (page + 1) * PAGE);
    return {
      pages: {
        buffers,
        bytes: BYTES,
        put: (buffer, page, values) => {
          pageOf(buffer, page).set(values);
          if (buffer === 0) written.put.push(page);
        },
        read: (buffer, page, to) => to.set(pageOf(buffer, page)),
        held: (buffer, page) => {
          const floats = pageOf(buffer, page);
          return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
        },
      },
      step: (parts, x) => {
        written.steps.push(parts.map(({ position, count, pages }) => ({ position, count, pages: [...pages] })));
        x.forEach((value, i) => {
          x[i] = value + 1;
        });
      },
      head: (x, rows) => Float32Array.from({ length: rows * vocabulary }, (_, i) => x[Math.floor(i / vocabulary) * width]!),
      release: async () => {
        written.released++;
      },
    };
  };
  const loaded = await loadOrtRuntime();
  if (!loaded.ok) throw new TypeError(loaded.error);
  const runtime = ok({
    ...loaded.value,
    kernels: { promptRows: prompts ? 64 : 0, refusal: () => refusal, load, probe: () => Promise.reject(new TypeError("nothing is timed")) },
    createSession: (...made: Parameters<typeof loaded.value.createSession>) => {
      written.sessions++;
      return loaded.value.createSession(...made);
    },
  });
  return { driver: onnxStageDriver("ort", runtime, { batchTolerance: 0 }), written };
}

test("the prompt's graph is the only one, and the kernels have the stage's layers and limits", async () => {
  const { driver, written } = await writingDriver();
  const chain = await loadChain(driver, model, { ...FORMATS, threads: 2, maxSequences: 3, contextLimit: 256, workingPages: 9 });
  expect(written.sessions).toBe(1);
  expect(written.requests).toEqual([
    { fromLayer: 0, toLayer: 2, threads: 2, contextLimit: 256, pageCapacity: 9, maxRows: 3, prompts: false },
  ]);
  await chain.release();
  expect(written.released).toBe(1);
  const plain = await loadChain(driver, model, { prefillFormat: "f32", decodeFormat: "f32" });
  expect(written.sessions).toBe(4);
  await plain.release();
});

test("a row comes with its pages, which hold its prompt, and with one more where its last is full", async () => {
  const { driver, written } = await writingDriver();
  const chain = await loadChain(driver, model, FORMATS);
  const first = await prefillChunks(chain, tokens, [64]);
  await chain.step({ opens: [opening(1)], rows: [rowOf(1, "prefill", 0, 70)] }, tokens);
  // Beside each other, and the prompt's row of another lane apart from them.
  const opens = [opening(2)];
  const rows = [rowOf(0, "decode", 64), rowOf(2, "prefill", 0, 3), rowOf(1, "decode", 70)];
  const logits = await chain.step({ opens, rows }, [1, 2, 3, 4, 5]);
  expect(written.steps[0]).toEqual([
    { position: 64, count: 1, pages: [0, 1] },
    { position: 70, count: 1, pages: [2, 3] },
  ]);
  // Once a lane, before its first step; the page it grows by is not put.
  expect(written.put).toEqual([0, 2, 3]);
  expect(logits.length).toBe(3 * vocabulary);
  expect(first[0]!.length).toBe(vocabulary);
  // Lanes 0 and 1 began alike, so their first pages hold the same keys, of the prompt's graph.
  const keys = must(written.pages[0], "keys of layer 0");
  expect(keys.slice(0, PAGE).some((value) => value !== 0)).toBe(true);
  expect(keys.slice(0, PAGE)).toEqual(keys.slice(2 * PAGE, 3 * PAGE));
  // A hole stays where it is: nothing reads what lies between the pages of a lane.
  await chain.step({ closes: [0], rows: [rowOf(1, "decode", 71)] }, [1]);
  expect(written.steps[1]).toEqual([{ position: 71, count: 1, pages: [2, 3] }]);
  expect(written.put.length).toBe(3);
  expect(chain.stages[0]!.kvBytes()).toBe(2 * 2 * BYTES + OPENED_PAGES * 4 * PAGE * 4);
  await chain.release();
});

test("a residual row is its embedding with what the kernels added, before the head", async () => {
  const { driver } = await writingDriver();
  const chain = await loadChain(driver, model, FORMATS);
  await prefillChunks(chain, tokens, [70]);
  const once = await chain.step({ rows: [rowOf(0, "decode", 70)] }, [5]);
  const again = await chain.step({ rows: [rowOf(0, "decode", 71)] }, [5]);
  expect(again).toEqual(once);
  const halves = await loadChain(driver, model, { ...FORMATS, cuts: [1] });
  await prefillChunks(halves, tokens, [70]);
  const cut = await halves.step({ rows: [rowOf(0, "decode", 70)] }, [5]);
  expect(cut[0]! - again[0]!).toBeCloseTo(1, 5);
  await chain.release();
  await halves.release();
});

const STEPS = { prefillFormat: "block-int8", decodeFormat: "block-int8" } as const;

test("prompts are rows of the kernels' steps, in as many passes as there is room for, and no graph is made", async () => {
  const { driver, written } = await writingDriver();
  const chain = await loadChain(driver, model, { ...STEPS, maxSequences: 3, contextLimit: 256, workingPages: 9 });
  expect(written.sessions).toBe(0);
  expect(written.requests).toEqual([
    { fromLayer: 0, toLayer: 2, threads: 1, contextLimit: 256, pageCapacity: 9, maxRows: 3 + 64, prompts: true },
  ]);
  const [first] = await prefillChunks(chain, tokens.slice(0, 3), [3]);
  const rows = [rowOf(1, "prefill", 0, 70), rowOf(0, "decode", 3), rowOf(2, "prefill", 0, 2)];
  const logits = await chain.step({ opens: [opening(1), opening(2)], rows }, [...tokens, 5, 6, 5]);
  expect(written.steps).toEqual([
    [{ position: 0, count: 3, pages: [0] }],
    // A page for the tokens of each pass: 67 of the prompt, then what is left of it beside the others.
    [{ position: 0, count: 67, pages: [1, 2] }],
    [
      { position: 67, count: 3, pages: [1, 2] },
      { position: 3, count: 1, pages: [0] },
      { position: 0, count: 2, pages: [3] },
    ],
  ]);
  // Each row went through once: the last of each part is its embedding and 1.
  expect(logits.length).toBe(3 * vocabulary);
  expect(logits[vocabulary]).toBe(logits[2 * vocabulary]);
  expect(first![0]).not.toBe(logits[vocabulary]);
  expect(chain.stages[0]!.kvBytes()).toBe(2 * 4 * BYTES);
  expect(written.put).toEqual([]);
  await chain.release();
});

test("a prompt goes on from sealed blocks in pages of its own, and one that is broken off gives its pages back", async () => {
  const { driver, written } = await writingDriver();
  const chain = await loadChain(driver, model, { ...STEPS, maxSequences: 3, contextLimit: 256, workingPages: 4 });
  const target = { slot: 0, generation: 0 };
  const seal = { lane: 0, block: 0, tokens: BLOCK_TOKENS, target };
  must(written.pages[0], "keys of layer 0").fill(3, 0, PAGE);
  await chain.step({ opens: [opening(0)], rows: [rowOf(0, "prefill", 0, 64)], seals: [seal] }, tokens.slice(0, 64));
  await chain.step({ opens: [opening(1, [target], 70, 20)], rows: [rowOf(1, "prefill", 20, 50)] }, tokens.slice(20));
  // As they lie there: nothing is put, which would round.
  expect(written.put).toEqual([]);
  expect(written.steps[1]).toEqual([{ position: 20, count: 50, pages: [1, 2] }]);
  expect(written.pages[0]!.slice(PAGE, 2 * PAGE)).toEqual(new Float32Array(PAGE).fill(3));
  // Broken off with pages of its own, both, beside the other's one: a third sequence takes them.
  await chain.step({ closes: [1], opens: [opening(2)], rows: [rowOf(2, "prefill", 0, 3)] }, [1, 2, 3]);
  expect(written.steps[2]).toEqual([{ position: 0, count: 3, pages: [1] }]);
  expect(chain.stages[0]!.kvBytes()).toBe(2 * 2 * BYTES + 2 * BYTES);
  await chain.release();
});

test("prompts in block-int8 are refused of kernels that take none", async () => {
  const { driver } = await writingDriver(undefined, false);
  expect(driver.describe().numerics).not.toContain("block-int8");
  await expect(loadChain(driver, model, STEPS)).rejects.toMatchObject({
    code: "plan-invalid",
    detail: "ort takes no prompts in block-int8; use another prefill format",
  });
});

test("kernels that are refused are one error with the reason", async () => {
  const { driver } = await writingDriver("WebAssembly without relaxed SIMD");
  expect(driver.describe().decodeNumerics).toEqual([]);
  await expect(loadChain(driver, model, FORMATS)).rejects.toMatchObject({
    code: "plan-invalid",
    where: "cpu-0",
    detail: "block-int8 cannot be had here: WebAssembly without relaxed SIMD",
  });
});
