/**
 * A Mamba-2 mixer: a short convolution, then a recurrence whose state does not grow with the sequence.
 * Source: Dao and Gu 2024, arXiv 2405.21060; names as in `mamba2` of Hugging Face transformers.
 */
export interface Mamba2 {
  readonly kind: "mamba2";
  readonly heads: number;
  readonly headDim: number;
  /** Elements of state per element of a head. */
  readonly stateSize: number;
  /** Groups of heads that share what is written to and read from the state. */
  readonly groups: number;
  /** Tokens the convolution sees. */
  readonly kernel: number;
  readonly convolutionBias: boolean;
  readonly bias: boolean;
}
