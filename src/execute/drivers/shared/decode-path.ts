import type { PageStore } from "./page-pool.ts";
import type { PromptChunk } from "./prefill-run.ts";
import type { StageKv } from "./stage-kv.ts";

/** A row of a decode step: its lane, and its place in `x`. */
export interface DecodeRow {
  readonly lane: number;
  readonly at: number;
}

/** Decoding rows of a step and where they stand in its residual stream. */
export interface DecodeWork {
  readonly rows: readonly DecodeRow[];
  readonly x: Float32Array;
  readonly width: number;
}

/** Rows of a step, decoding ones and those of prompts. */
export interface StepWork extends DecodeWork {
  readonly chunks: readonly PromptChunk[];
}

/** What computes the decode steps and the head of a stage. */
export interface DecodePath {
  /** Where working pages lie, in a form of its own; in f32 arrays anywhere where absent. */
  readonly pages?: PageStore;
  /** A step of decoding rows and of prompts, whose keys and values come into pages at once; where it is absent, prompts have a graph. */
  step?(kv: StageKv, work: StepWork): Promise<void>;
  /** One decode step of many lanes; the rows of `x` are overwritten with the residual stream after the stage. */
  decode(kv: StageKv, work: DecodeWork): Promise<void>;
  /** Logits [rows, vocabulary] of residual rows, [rows, width]; of the model's last stage alone. They stay until the next call. */
  head(x: Float32Array, rows: number): Promise<Float32Array>;
  release(): Promise<void>;
}
