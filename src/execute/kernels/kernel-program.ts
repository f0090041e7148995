/** Records of the phases of a step; words are what `wasm/decode.ts` and `wasm/attend.ts` read. */
const WORDS = 18;
const KIND = { norm: 0, quantise: 1, product: 2, attend: 3, keep: 4 } as const;
const MODE = { store: 0, add: 1, gate: 2 } as const;

export const RECORD_BYTES = WORDS * 4;

/** A matrix in the kernels' memory. */
export interface PlacedMatrix {
  readonly weights: number;
  readonly bits: number;
  /** Outputs, padded to a multiple of 4; features, padded to a multiple of 32, of a gated product. */
  readonly outputs: number;
  readonly columns: number;
}

export type KernelPhase =
  | {
      readonly kind: "norm";
      readonly from: number;
      readonly width: number;
      readonly columns: number;
      readonly to: number;
      readonly weight: number;
      readonly epsilon: number;
    }
  | { readonly kind: "quantise"; readonly from: number; readonly width: number; readonly columns: number; readonly to: number }
  | {
      readonly kind: "product";
      readonly matrix: PlacedMatrix;
      readonly activations: number;
      readonly mode: keyof typeof MODE;
      readonly to: number;
      /** Bytes between two rows of `to`; of no meaning for a gated product. */
      readonly apart: number;
      /** 0: none. */
      readonly bias: number;
      /** How its rows come from the residual stream, for threads that norm few rows themselves. */
      readonly norm?: Extract<KernelPhase, { readonly kind: "norm" }>;
      /** Outputs of one chunk. */
      readonly share: number;
    }
  | { readonly kind: "keep"; readonly of: AttendPhase }
  | AttendPhase;

/** Attention of each row over its sequence, its own token included. */
export interface AttendPhase {
  readonly kind: "attend";
  readonly qkv: number;
  readonly apart: number;
  readonly keys: number;
  readonly values: number;
  /** Where the result goes in int8; 0: nowhere. */
  readonly activations: number;
  readonly mixed: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly interleaved: boolean;
  readonly cosines: number;
  readonly sines: number;
  /** 0: none. */
  readonly queryNorm: number;
  readonly keyNorm: number;
  readonly epsilon: number;
}

/** Writes the records at `at`; how many chunks they have is written step by step. */
export function writeProgram(memory: ArrayBufferLike, at: number, phases: readonly KernelPhase[]): void {
  phases.forEach((phase, i) => {
    const words = new Uint32Array(memory, at + i * RECORD_BYTES, WORDS);
    const floats = new Float32Array(memory, at + i * RECORD_BYTES, WORDS);
    words[1] = KIND[phase.kind];
    if (phase.kind === "product") {
      const { matrix } = phase;
      const { norm } = phase;
      words.set([matrix.weights, matrix.outputs, phase.share, matrix.columns, phase.activations, norm?.weight ?? 0, matrix.bits], 2);
      words.set([MODE[phase.mode], phase.to, phase.apart, phase.bias, norm?.from ?? 0, norm?.width ?? 0], 9);
      floats[15] = norm?.epsilon ?? 0;
    } else if (phase.kind === "attend" || phase.kind === "keep") {
      const { qkv, apart, keys, values, activations, heads, kvHeads, headDim, ...rest } = phase.kind === "keep" ? phase.of : phase;
      words.set([qkv, apart, keys, values, activations, heads, kvHeads, headDim], 2);
      words.set([rest.interleaved ? 1 : 0, rest.cosines, rest.sines, rest.queryNorm, rest.keyNorm], 10);
      floats[15] = rest.epsilon;
      words[16] = rest.mixed;
    } else {
      words.set([phase.from, phase.width * 4, phase.width, phase.columns, phase.to], 2);
      if (phase.kind === "norm") {
        words[7] = phase.weight;
        floats[8] = phase.epsilon;
      }
    }
  });
}

/** Rows that each thread norms itself rather than wait for another to have done it. */
export const SELF_NORMED = 2;

/** Rows of a step; `kept`: some attend to others of it, so all keys and values of a layer are written before any row attends. */
export interface StepRows {
  readonly rows: number;
  readonly kept: boolean;
}

/** Chunks of a phase in a step. */
function chunksOf(phase: KernelPhase, { rows, kept }: StepRows): number {
  switch (phase.kind) {
    case "attend":
      return rows * phase.kvHeads;
    case "keep":
      return kept ? rows * phase.of.kvHeads : 0;
    case "product":
      return rows === 0 ? 0 : Math.ceil(phase.matrix.outputs / phase.share);
    case "norm":
      return rows <= SELF_NORMED ? 0 : rows;
    case "quantise":
      return rows;
  }
}

/** Writes what changes from step to step into the record at `at` of `words`: how many chunks it has and, of a phase that takes part, how it does its work. */
export function shareOut(words: Uint32Array, at: number, phase: KernelPhase, step: StepRows): void {
  words[at] = chunksOf(phase, step);
  if (phase.kind === "product") words[at + 16] = step.rows <= SELF_NORMED && phase.norm !== undefined ? 1 : 0;
  if (phase.kind === "attend") words[at + 17] = step.kept ? 1 : 0;
}
