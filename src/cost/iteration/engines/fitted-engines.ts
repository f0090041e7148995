import type { EngineConstants } from "./engine-constants.ts";

/** Written by scripts/fit-silicon.ts from aiconfigurator-silicon (Apache-2.0, aiconfigurator@095f58a). */

/** Constants of each engine from all rows of the sample. Their error on groups they have not seen is in docs/accuracy.md. */
export const FITTED_ENGINES: Readonly<Record<"trtllm" | "sglang" | "vllm", EngineConstants>> = {
  /** 138 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.264. */
  sglang: {
    overheads: {
      stepNs: 546875,
      sequenceNs: 5469,
      layerNs: 0,
      eagerLayerNs: 1000000,
      kernelNs: 281,
      attentionFactor: 1.003,
      expertFactor: 1.005,
      computeFactor: 1.004,
      exchangeFactor: 1.003,
    },
    blackwellEight: 1.001,
    frontNs: 73437500,
    frontClientNs: 1843750,
  },
  /** 151 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.225. */
  trtllm: {
    overheads: {
      stepNs: 453125,
      sequenceNs: 5000,
      layerNs: 0,
      eagerLayerNs: 1000000,
      kernelNs: -187,
      attentionFactor: 1,
      expertFactor: 0.993,
      computeFactor: 1,
      exchangeFactor: 1,
    },
    blackwellEight: 1.001,
    frontNs: 54687500,
    frontClientNs: 0,
  },
  /** 48 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.157. */
  vllm: {
    overheads: {
      stepNs: 593750,
      sequenceNs: 5313,
      layerNs: 0,
      eagerLayerNs: 1000000,
      kernelNs: 563,
      attentionFactor: 1.011,
      expertFactor: 1,
      computeFactor: 1.017,
      exchangeFactor: 1.008,
    },
    blackwellEight: 1.001,
    frontNs: 4687500,
    frontClientNs: 0,
  },
};
