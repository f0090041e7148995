// Goal: plans give each driver's block-int8 the memory it takes. Method: both drivers, and another format, by hand.
import { expect, it } from "vitest";
import { ALL_EIGHT_BITS } from "../cost/block-weights.ts";
import { heldInEightBits, kernelPages, kernelRoomBytes, kernelRows, pageCopies, promptRefusal } from "./kernel-stages.ts";

const spec = { layers: 2, width: 64, heads: 4, kvHeads: 2, headDim: 16, feedForward: 128, vocabulary: 320 } as const;
const file = { layers: 0, head: 0 };
const stage = (driver: string, decodeFormat: "block-int8" | "f32", prefillFormat: "block-int8" | "f32" = "f32") => ({
  ...{ driver, prefillFormat, decodeFormat, fromLayer: 0, toLayer: 2 },
  ...{ threads: 2, contextLimit: 512, maxSequences: 4 },
});
const pages = (driver: string, decodeFormat: "block-int8" | "f32"): number =>
  kernelPages(spec as unknown as Parameters<typeof kernelPages>[0], stage(driver, decodeFormat), file);

it("OpenVINO holds all weights in 8 bits and pages twice, within no memory of WebAssembly", () => {
  expect(heldInEightBits(stage("openvino", "block-int8"), file)).toEqual(ALL_EIGHT_BITS);
  // A byte a feature and 8 a head beside 4 a feature: 88 for 64.
  expect(pageCopies(stage("openvino", "block-int8"), spec)).toBe(88 / 64);
  expect(pages("openvino", "block-int8")).toBe(Infinity);
  // Once where nothing reads them in f32.
  expect(pageCopies(stage("openvino", "block-int8", "block-int8"), spec)).toBe(24 / 64);
});

it("heddle's own kernels keep the file's blocks of 4 bits, and pages once, in 4 GiB", () => {
  expect(heldInEightBits(stage("ort", "block-int8"), file)).toBe(file);
  expect(pageCopies(stage("ort", "block-int8"), spec)).toBe(1);
  expect(pages("ort", "block-int8")).toBeLessThan(Infinity);
});

it("prompts in block-int8 take room for their rows, and need the driver and the decode steps that have it", () => {
  const prompts = stage("ort", "block-int8", "block-int8");
  expect(kernelRows(prompts) - kernelRows(stage("ort", "block-int8"))).toBe(64);
  const roomOf = (one: typeof prompts): number => kernelRoomBytes(spec as unknown as Parameters<typeof kernelRoomBytes>[0], one);
  expect(roomOf(prompts)).toBeGreaterThan(roomOf(stage("ort", "block-int8")));
  expect(promptRefusal(prompts)).toBeUndefined();
  expect(promptRefusal(stage("openvino", "block-int8"))).toBeUndefined();
  const paged = stage("openvino", "block-int8", "block-int8");
  expect(kernelRows(paged) - kernelRows(stage("openvino", "block-int8"))).toBe(256);
  expect(promptRefusal(paged)).toBeUndefined();
  expect(promptRefusal(stage("ort-wasm", "block-int8", "block-int8"))).toContain("not those of ort-wasm");
  expect(promptRefusal(stage("ort", "f32", "block-int8"))).toContain("not in f32");
});

it("other formats are held once on either", () => {
  expect(pageCopies(stage("openvino", "f32"), spec)).toBe(1);
  expect(heldInEightBits(stage("openvino", "f32"), file)).toBe(file);
  expect(pages("ort", "f32")).toBe(Infinity);
});
