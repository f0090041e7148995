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
import type { DecodeKernels, KernelRow, KernelStageRequest } from "./decode-kernels.ts";
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
  readonly steps: KernelRow[][];
  /** Pages that were put of the first layer's keys. */
  readonly put: number[];
  readonly pages: Float32Array[];
  sessions: number;
  released: number;
}

/** A driver whose kernels add 1 to every row, and give each row's first value as all its logits. */
async function writingDriver(refusal?: string): Promise<{ driver: StageDriver; written: Written }> {
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
      },
      decode: (rows, x) => {
        written.steps.push(rows.map(({ position, pages }) => ({ position, pages: [...pages] })));
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
    kernels: { refusal: () => refusal, load, probe: () => Promise.reject(new TypeError("nothing is timed")) },
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
  expect(written.requests).toEqual([{ fromLayer: 0, toLayer: 2, threads: 2, contextLimit: 256, pageCapacity: 9, maxRows: 3 }]);
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
    { position: 64, pages: [0, 1] },
    { position: 70, pages: [2, 3] },
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
  expect(written.steps[1]).toEqual([{ position: 71, pages: [2, 3] }]);
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

test("kernels that are refused are one error with the reason", async () => {
  const { driver } = await writingDriver("WebAssembly without relaxed SIMD");
  expect(driver.describe().decodeNumerics).toEqual([]);
  await expect(loadChain(driver, model, FORMATS)).rejects.toMatchObject({
    code: "plan-invalid",
    where: "cpu-0",
    detail: "block-int8 cannot be had here: WebAssembly without relaxed SIMD",
  });
});
