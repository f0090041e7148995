import type { BlockBits } from "../../cost/block-weights.ts";
import { headProduct, layerProducts, type ProductShape } from "../../cost/decoder-shape.ts";
import type { DecoderSpec } from "../../graph/decoder/spec.ts";
import type { GraphFormat } from "../../rack/rack.ts";
import type { AttentionShape } from "./operator-models.ts";

/** What of a model decides which shapes are measured. */
export type ShapeSource = Pick<DecoderSpec, "width" | "heads" | "kvHeads" | "headDim" | "feedForward" | "vocabulary">;

/** Shape of the default model, SmolLM2-135M. Source: its config.json. */
export const DEFAULT_SHAPES: ShapeSource = { width: 576, heads: 9, kvHeads: 3, headDim: 64, feedForward: 1536, vocabulary: 49_152 };

export interface ProductQuestion extends ProductShape {
  readonly format: GraphFormat;
  readonly m: number;
}

/** A product in heddle's own kernels, at several numbers of rows. */
export interface KernelProductQuestion extends ProductShape {
  readonly bits: BlockBits;
  readonly rows: readonly number[];
}

/** A decode step in heddle's own kernels: rows of so many sequences, each after `context` tokens. */
export interface KernelStepQuestion extends AttentionShape {
  readonly sequences: number;
  readonly context: number;
}

export interface AttentionQuestion extends AttentionShape {
  readonly rows: number;
  readonly context: number;
}

const MODEL_ROWS: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const FAST_ROWS: readonly number[] = [1, 8, 64, 256];
/** Shapes of no model in particular, so that others can be priced between measured ones. */
const GENERIC: readonly ProductShape[] = [
  { n: 1024, k: 1024 },
  { n: 4096, k: 1024 },
  { n: 1024, k: 4096 },
  { n: 2048, k: 2048 },
];
const GENERIC_ROWS: readonly number[] = [1, 8, 64, 512];
/** Rows of the head: sampled positions only. */
const HEAD_ROWS: readonly number[] = [1, 4, 16];
/** Decoding rows in heddle's own kernels, of products and of steps, and contexts of the latter: what spans the range first. */
const KERNEL_ROWS: readonly number[] = [1, 16, 4, 8, 2];
const KERNEL_CONTEXTS: readonly number[] = [0, 1024, 256, 2048];
const FAST_KERNEL_ROWS: readonly number[] = [1, 8];
/** Rows of prompts measured on the way to as many as a step takes. */
const PROMPT_ROWS: readonly number[] = [64];
const ATTENTION_ROWS: readonly number[] = [1, 16, 64, 256, 512];
const ATTENTION_CONTEXTS: readonly number[] = [0, 64, 512, 1024, 2048];

/** Products worth timing: the model's at every row count, generic ones at a few, the head at sampled rows. */
export function productQuestions(source: ShapeSource, fast: boolean, formats: readonly GraphFormat[]): readonly ProductQuestion[] {
  const questions: ProductQuestion[] = [];
  for (const format of formats) {
    for (const shape of layerProducts(source)) for (const m of fast ? FAST_ROWS : MODEL_ROWS) questions.push({ ...shape, format, m });
    for (const m of fast ? [1] : HEAD_ROWS) questions.push({ ...headProduct(source), format, m });
    if (!fast) for (const shape of GENERIC) for (const m of GENERIC_ROWS) questions.push({ ...shape, format, m });
  }
  return questions;
}

export function attentionQuestions({ heads, kvHeads, headDim }: ShapeSource, fast: boolean): readonly AttentionQuestion[] {
  const rows = fast ? [1, 64] : ATTENTION_ROWS;
  const contexts = fast ? [0, 64, 512] : ATTENTION_CONTEXTS;
  return rows.flatMap((count) => contexts.map((context) => ({ rows: count, context, heads, kvHeads, headDim })));
}

/**
 * Products of decode steps, each at its numbers of rows: the model's and generic ones in both kinds of blocks, the head as files hold it; also at
 * `promptRows`, as many rows of prompts as a step takes, and at some on the way there.
 */
export function kernelProductQuestions(source: ShapeSource, fast: boolean, promptRows: number): readonly KernelProductQuestion[] {
  const more = promptRows === 0 ? [] : [...PROMPT_ROWS.filter((rows) => rows < promptRows), promptRows];
  const few = { rows: [...FAST_KERNEL_ROWS, ...more] };
  const bothKinds = (shape: Omit<KernelProductQuestion, "bits">): readonly KernelProductQuestion[] => [
    { ...shape, bits: 4 },
    { ...shape, bits: 8 },
  ];
  const head: KernelProductQuestion = { ...headProduct(source), bits: 8, rows: fast ? [1] : HEAD_ROWS };
  const own = layerProducts(source).flatMap((shape) => bothKinds({ ...shape, ...(fast ? few : { rows: [...KERNEL_ROWS, ...more] }) }));
  return [...own, head, ...(fast ? [] : GENERIC.flatMap((shape) => bothKinds({ ...shape, ...few })))];
}

/** Steps that tell attention from the rest: one of a row alone with nothing cached comes first. */
export function kernelStepQuestions({ heads, kvHeads, headDim }: ShapeSource, fast: boolean): readonly KernelStepQuestion[] {
  const contexts = fast ? [0, 512] : KERNEL_CONTEXTS;
  return contexts.flatMap((context) =>
    (fast ? FAST_KERNEL_ROWS : KERNEL_ROWS).map((sequences) => ({ sequences, context, heads, kvHeads, headDim })),
  );
}
