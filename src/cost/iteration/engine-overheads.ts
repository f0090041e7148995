/** What an engine adds to the operators of an iteration. */
export interface EngineOverheads {
  /** Of each iteration: scheduling, launches that devices wait for. Units: ns. */
  readonly stepNs: number;
  /** Of each sequence of a data-parallel rank: sampling, bookkeeping. Units: ns. */
  readonly sequenceNs: number;
  /** Of each layer: small kernels that no operator stands for. Units: ns. */
  readonly layerNs: number;
  /** Least time of a layer in an iteration with prompts, whose kernels hosts launch one by one instead of as a captured graph. Units: ns. */
  readonly eagerLayerNs: number;
  /** Of each operator that computes; below 0 where captured graphs hide launches that operators were timed with. Units: ns. */
  readonly kernelNs: number;
  /** Time of attention, of a mixture's grouped products, of all other compute and of exchange as engines run them, over what the operator model says. */
  readonly attentionFactor: number;
  readonly expertFactor: number;
  readonly computeFactor: number;
  readonly exchangeFactor: number;
}

/** Least share of the operators' time that is left when launches are taken off. */
export const KERNEL_FLOOR = 0.3;

/** Operators alone: tables and formulas as they are. */
export const NO_OVERHEADS: EngineOverheads = {
  stepNs: 0,
  sequenceNs: 0,
  layerNs: 0,
  eagerLayerNs: 0,
  kernelNs: 0,
  attentionFactor: 1,
  expertFactor: 1,
  computeFactor: 1,
  exchangeFactor: 1,
};
