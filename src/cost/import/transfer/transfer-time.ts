/** One measured transfer between two memories. */
export interface TransferTime {
  /** Bytes of one contiguous piece. */
  readonly blockBytes: number;
  /** Pieces posted together. */
  readonly blocks: number;
  /** All of them, from post to completion. Units: ns. */
  readonly ns: number;
  /** Of that, posting; absent where it was not measured apart. */
  readonly postNs?: number;
}
