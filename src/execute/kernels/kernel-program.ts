/** Records of the phases of a step; words are what `wasm/decode.ts` and `wasm/attend.ts` read. */
const WORDS = 18;
const KIND = { norm: 0, quantise: 1, product: 2, attend: 3 } as const;
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
  | {
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
    };

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
    } else if (phase.kind === "attend") {
      words.set([phase.qkv, phase.apart, phase.keys, phase.values, phase.activations, phase.heads, phase.kvHeads, phase.headDim], 2);
      words.set([phase.interleaved ? 1 : 0, phase.cosines, phase.sines, phase.queryNorm, phase.keyNorm], 10);
      floats[15] = phase.epsilon;
      words[16] = phase.mixed;
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

/** Chunks of a phase on so many rows, and whether its threads norm them. */
export function shareOut(phase: KernelPhase, rows: number): { readonly chunks: number; readonly selfNormed: boolean } {
  const few = rows <= SELF_NORMED;
  if (phase.kind === "attend") return { chunks: rows * phase.kvHeads, selfNormed: false };
  if (phase.kind === "product")
    return { chunks: rows === 0 ? 0 : Math.ceil(phase.matrix.outputs / phase.share), selfNormed: few && phase.norm !== undefined };
  return { chunks: few && phase.kind === "norm" ? 0 : rows, selfNormed: false };
}
