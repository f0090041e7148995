import type { Ratio } from "../base/units.ts";
import { ALL_EIGHT_BITS, type EightBitShare } from "../cost/block-weights.ts";
import { decodeWeightBytes } from "../cost/decoder-shape.ts";
import { kernelPromptRows } from "../cost/kernel-prompt-rows.ts";
import { decodeFormats, graphFormats } from "../cost/operator-cost.ts";
import type { DecoderSpec } from "../graph/decoder/spec.ts";
import type { ComputeFormat, Device } from "../rack/rack.ts";
import { BLOCK_TOKENS, pagesFor } from "../state/block.ts";

/**
 * Drivers whose devices compute decode steps in `block-int8`: `ort` in heddle's own kernels, `openvino` over OpenVINO's paged attention, which holds
 * all weights in 8 bits and working pages in 8 bits, in f32 as well where prompts have another format.
 */
export const KERNEL_DRIVERS: readonly string[] = ["ort", "openvino"];

/** Those whose devices compute prompts in it as well: rows of a prompt are rows of the same steps. */
const PROMPT_KERNEL_DRIVERS: readonly string[] = ["ort", "openvino"];

/** Of a device that is asked for `block-int8` and does not have it. */
export const KERNEL_DRIVERS_TEXT = `only devices of drivers ${KERNEL_DRIVERS.join(" and ")}`;

/** Why a stage's prompts cannot come in `block-int8` where its decode steps have the other format; undefined where they can, or have another. */
export function promptRefusal({ driver, prefillFormat, decodeFormat }: PhaseStage): string | undefined {
  if (prefillFormat !== "block-int8") return undefined;
  if (!PROMPT_KERNEL_DRIVERS.includes(driver))
    return `only devices of drivers ${PROMPT_KERNEL_DRIVERS.join(" and ")} take prompts in block-int8, not those of ${driver}`;
  return decodeFormat === "block-int8" ? undefined : `prompts in block-int8 are rows of decode steps in block-int8, not in ${decodeFormat}`;
}

/** Formats prompts can have on a device. */
export function promptFormats(device: Device): readonly ComputeFormat[] {
  return PROMPT_KERNEL_DRIVERS.includes(device.driver) ? decodeFormats(device) : graphFormats(device);
}

interface PhaseStage extends DecodeStage {
  readonly prefillFormat: ComputeFormat | "file";
}

interface DecodeStage {
  readonly driver: string;
  readonly decodeFormat: ComputeFormat | "file";
}

/** What of a stage's weights `block-int8` holds in 8 bits: what the file has so, where the driver keeps blocks of 4 bits. */
export function heldInEightBits({ driver, decodeFormat }: DecodeStage, file: EightBitShare | undefined): EightBitShare | undefined {
  return isPaged(driver, decodeFormat) ? ALL_EIGHT_BITS : file;
}

/**
 * Bytes of working KV over those in f32. Source: drivers/openvino/paged: a byte a feature and 8 bytes a head; beside 4 bytes a feature where prompts
 * have a graph, which reads them so.
 */
export function pageCopies({ driver, prefillFormat, decodeFormat }: PhaseStage, { headDim }: Pick<DecoderSpec, "headDim">): Ratio {
  if (!isPaged(driver, decodeFormat)) return 1;
  return (prefillFormat === "block-int8" ? 0 : 1) + (headDim + 8) / (4 * headDim);
}

/** Whether decode steps run over the runtime's paged attention, not in heddle's own kernels. */
export function isPaged(driver: string, decodeFormat: DecodeStage["decodeFormat"]): boolean {
  return driver === "openvino" && decodeFormat === "block-int8";
}

/**
 * A memory of 32-bit WebAssembly. Units: bytes.
 *
 * Source: WebAssembly core specification: 2^16 pages of 64 KiB.
 */
const MEMORY_BYTES = 65_536 * 65_536;
/** What the kernels keep whatever the model: stacks, control words, padding of each matrix and vector. Units: bytes. */
const OWN_BYTES = 4_194_304;
/** Floats of a vector register: heads and rows of the residual stream are read in whole ones. Source: WebAssembly 3.0, v128. */
const LANES = 4;
/** Heads are padded to a multiple of so many columns; values of as many lie in pairs. Source: execute/kernels/wasm/kept.ts. */
export const KERNEL_PAIRS = 8;
/** As the kernels have them: weights of a block, rows of logits made at once, rows that norm themselves. */
const BLOCK = 32;
const HEAD_ROWS = 16;
const SELF_NORMED = 2;
/** Bytes an activation takes there; a test of the kernels holds all of this to what they take. */
const ROW_BYTES = 5;
const FLOAT = Float32Array.BYTES_PER_ELEMENT;

/** A stage whose decode steps may run in the kernels, and what they make room for. */
export interface KernelStageShape extends PhaseStage {
  readonly fromLayer: number;
  readonly toLayer: number;
  readonly threads: number;
  readonly contextLimit: number;
  readonly maxSequences: number;
}

/** Why the kernels do not compute a model of this shape, whatever its size; undefined where they do. */
export function kernelShapeRefusal({ width, headDim }: DecoderSpec): string | undefined {
  const odd = [`width ${width}`, `head size ${headDim}`].filter((_text, i) => [width, headDim][i]! % LANES !== 0);
  return odd.length === 0 ? undefined : `the kernels of block-int8 take multiples of ${LANES}, and the model has ${odd.join(" and ")}`;
}

/**
 * Most working pages of a stage whose decode steps run in heddle's own kernels: what their memory leaves beside the weights and the room that steps work
 * in; none where they do not compute its shape, no bound in other formats.
 */
export function kernelPages(spec: DecoderSpec, stage: KernelStageShape, eightBit: EightBitShare | undefined): number {
  const { fromLayer, toLayer, driver, decodeFormat } = stage;
  if (decodeFormat !== "block-int8" || isPaged(driver, decodeFormat)) return Infinity;
  if (kernelShapeRefusal(spec) !== undefined) return 0;
  const weights = decodeWeightBytes(spec, { fromLayer, toLayer, decodeFormat }, eightBit);
  const { keys, values } = kernelPageBytes(spec);
  return Math.max(0, Math.floor((MEMORY_BYTES - weights - kernelRoomBytes(spec, stage)) / ((keys + values) * (toLayer - fromLayer))));
}

/** A working page of one layer: keys [KV heads, 64, head dim] of 8 bits with a scale a token and head, values in bf16, heads in whole pairs. Units: bytes. */
export function kernelPageBytes({ kvHeads, headDim }: Pick<DecoderSpec, "kvHeads" | "headDim">): { keys: number; values: number } {
  const columns = Math.ceil(headDim / KERNEL_PAIRS) * KERNEL_PAIRS;
  const heads = kvHeads * BLOCK_TOKENS;
  return { keys: heads * (columns + FLOAT), values: heads * columns * 2 };
}

/** Rows that a step of a stage's kernels has room for. */
export function kernelRows({
  driver,
  prefillFormat,
  maxSequences,
}: Pick<KernelStageShape, "driver" | "prefillFormat" | "maxSequences">): number {
  return maxSequences + (prefillFormat === "block-int8" ? kernelPromptRows(driver) : 0);
}

/** What a stage's kernels hold beside weights and pages, at most: rows of a step, scores of each thread, rotations, logits, norms, a page that comes. Units: bytes. */
export function kernelRoomBytes(spec: DecoderSpec, stage: KernelStageShape): number {
  const { fromLayer, toLayer, threads, contextLimit } = stage;
  const { width, heads, kvHeads, headDim, feedForward, vocabulary } = spec;
  const rows = Math.max(kernelRows(stage), HEAD_ROWS);
  const inBytes = (columns: number): number => (columns + BLOCK) * ROW_BYTES;
  const mixed = heads * headDim;
  const qkv = (heads + 2 * kvHeads) * headDim;
  const row = (width + qkv + mixed) * FLOAT + inBytes(width) + inBytes(mixed) + inBytes(feedForward) + (pagesFor(contextLimit) + 1) * FLOAT;
  const scores = (heads / kvHeads) * (2 * (headDim + KERNEL_PAIRS) + contextLimit + BLOCK_TOKENS);
  const thread = Math.max(Math.max(width, mixed) + BLOCK, scores, rows * (BLOCK + 3 * LANES)) * FLOAT + SELF_NORMED * inBytes(width);
  const rotations = contextLimit * headDim * FLOAT;
  const vectors = (toLayer - fromLayer) * (2 * width + qkv + 2 * headDim) * FLOAT;
  const head = toLayer === spec.layers ? (HEAD_ROWS * (vocabulary + LANES) + width) * FLOAT : 0;
  const page = kvHeads * BLOCK_TOKENS * (headDim + KERNEL_PAIRS) * FLOAT;
  return Math.ceil(rows * row + threads * thread + rotations + vectors + head + page + OWN_BYTES);
}
