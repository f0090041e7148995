import type { ComputeFormat } from "../../src/rack/rack.ts";

/** One engine under test in a process of its own: heddle's stages, or llama.cpp through node-llama-cpp. */
export interface HeddleSetup {
  readonly engine: "heddle";
  readonly driver: string;
  readonly model: string;
  readonly threads: number;
  readonly prefillFormat: ComputeFormat;
  readonly decodeFormat: ComputeFormat;
  /** Tokens of a prompt computed at once. */
  readonly chunk: number;
  /** Layers where the model is cut into stages, all in this process. */
  readonly cuts: readonly number[];
}

export interface LlamaSetup {
  readonly engine: "llama.cpp";
  readonly model: string;
  readonly threads: number;
  readonly flashAttention: boolean;
  readonly batchSize: number;
  /** Sequences of the context: more do not run at once. */
  readonly sequences: number;
}

export type SideSetup = HeddleSetup | LlamaSetup;

/** Questions a side answers, one at a time. All times are wall times, sampling included. Units: ms. */
export type SideQuestion =
  /** Greedy decoding of `batch` streams that hold `context` tokens each: ms per step of all of them. */
  | { readonly kind: "decode"; readonly batch: number; readonly context: number; readonly steps: number }
  /** A prompt of so many tokens up to its first token: ms. */
  | { readonly kind: "prefill"; readonly tokens: number; readonly chunk?: number }
  /** Gaps between tokens of `batch` streams, first alone, then while a prompt of `tokens` is worked in by chunks. heddle only. */
  | { readonly kind: "mixed"; readonly batch: number; readonly tokens: number; readonly chunk: number }
  /** Bytes of weights one decode step reads; memory copy rate in bytes/s. heddle only. */
  | { readonly kind: "bandwidth" };

export type SideAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "times"; readonly ms: readonly number[]; readonly aloneMs?: readonly number[] }
  | { readonly kind: "bandwidth"; readonly weightBytes: number; readonly copyBytesPerSecond: number }
  | { readonly kind: "failed"; readonly detail: string };
