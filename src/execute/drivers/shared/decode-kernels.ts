import type { BlockBits } from "../../../cost/block-weights.ts";
import type { DecoderModel } from "../../../graph/decoder/model.ts";
import type { PageStore } from "./page-pool.ts";

/** Consecutive tokens of a sequence, each a row of a step: its tokens before them, and the pages that hold these and have room for the new ones. */
export interface KernelPart {
  readonly position: number;
  readonly count: number;
  /** Whether they are a prompt's; decoding where absent. */
  readonly prompt?: boolean;
  readonly pages: readonly number[];
}

export interface KernelStageRequest {
  readonly fromLayer: number;
  readonly toLayer: number;
  readonly threads: number;
  readonly contextLimit: number;
  /** Pages of working KV. */
  readonly pageCapacity: number;
  /** Rows of a step. */
  readonly maxRows: number;
  /** Whether steps take rows of prompts; decoding ones alone where absent. */
  readonly prompts?: boolean;
}

/** The layers of a stage in heddle's own kernels. */
export interface KernelStage {
  /** Working KV pages: keys of the stage's layer i at 2i, values at 2i + 1. */
  readonly pages: PageStore;
  /**
   * One step: writes keys and values behind those of each sequence, and the residual stream after the stage over `x`, [rows, width], part after part. A
   * row's result is the same alone, beside others and in any part.
   */
  step(parts: readonly KernelPart[], x: Float32Array): void;
  /** Logits [rows, vocabulary] of residual rows; of the model's last stage alone. */
  head(x: Float32Array, rows: number): Float32Array;
  release(): Promise<void>;
}

export interface ProbeShape {
  readonly n: number;
  readonly k: number;
  readonly threads: number;
  readonly bits: BlockBits;
  readonly maxRows: number;
}

/** Products in the kernels of one shape, each on weights of its own that mean nothing. */
export interface ProductProbe {
  /** Products of a run. */
  readonly products: number;
  run(rows: number): void;
  release(): Promise<void>;
}

/** Decode steps and heads that a driver computes beside its runtime's graphs, in heddle's own kernels or in the runtime's: format `block-int8`. */
export interface DecodeKernels {
  /** Rows of prompts that a step takes beside decoding ones; 0: none. */
  readonly promptRows: number;
  /** Why there are none here, undefined where there are. */
  refusal(): string | undefined;
  /** Errors: `plan-invalid` where the machine or the size refuses. */
  load(model: DecoderModel, request: KernelStageRequest): Promise<KernelStage>;
  /** Products by themselves, for timing. */
  probe(shape: ProbeShape): Promise<ProductProbe>;
}
