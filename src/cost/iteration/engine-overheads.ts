/** What an engine adds to the operators of an iteration. */
export interface EngineOverheads {
  /** Of each iteration: scheduling, launches that devices wait for. Units: ns. */
  readonly stepNs: number;
  /** Of each sequence of the batch: sampling, bookkeeping. Units: ns. */
  readonly sequenceNs: number;
  /** Of each layer: small kernels that no operator stands for. Units: ns. */
  readonly layerNs: number;
  /** Time of compute and of exchange as engines run them, over what the operator model says. */
  readonly computeFactor: number;
  readonly exchangeFactor: number;
}

/** Operators alone: tables and formulas as they are. */
export const NO_OVERHEADS: EngineOverheads = { stepNs: 0, sequenceNs: 0, layerNs: 0, computeFactor: 1, exchangeFactor: 1 };
