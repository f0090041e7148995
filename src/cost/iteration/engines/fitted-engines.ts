import type { EngineConstants } from "./engine-constants.ts";

/** Written by scripts/fit-silicon.ts from aiconfigurator-silicon (Apache-2.0, aiconfigurator@095f58a). */

/** Constants of each engine from all rows of the sample. Their error on groups they have not seen is in docs/accuracy.md. */
export const FITTED_ENGINES: Readonly<Record<"trtllm" | "sglang" | "vllm", EngineConstants>> = {
  /** 130 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.182. */
  trtllm: {
    overheads: {
      stepNs: 500000,
      sequenceNs: 5000,
      layerNs: 0,
      eagerLayerNs: 0,
      kernelNs: 0,
      attentionFactor: 1.003,
      expertFactor: 0.993,
      computeFactor: 1.002,
      exchangeFactor: 1.003,
    },
    blackwellEight: 1,
    frontNs: 64062500,
    frontClientNs: 437500,
    compileNs: 937500000,
  },
  /** 138 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.246. */
  sglang: {
    overheads: {
      stepNs: 546875,
      sequenceNs: 5469,
      layerNs: 0,
      eagerLayerNs: 400000,
      kernelNs: 281,
      attentionFactor: 1.006,
      expertFactor: 1.005,
      computeFactor: 1.004,
      exchangeFactor: 1.003,
    },
    blackwellEight: 1.001,
    frontNs: 82812500,
    frontClientNs: 2968750,
    compileNs: 60000000000,
  },
  /** 48 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.169. */
  vllm: {
    overheads: {
      stepNs: 625000,
      sequenceNs: 5469,
      layerNs: 0,
      eagerLayerNs: 400000,
      kernelNs: 703,
      attentionFactor: 1.011,
      expertFactor: 1,
      computeFactor: 1.017,
      exchangeFactor: 1.008,
    },
    blackwellEight: 1.001,
    frontNs: 18750000,
    frontClientNs: 281250,
    compileNs: 60000000000,
  },
};
