import type { EngineConstants } from "./engine-constants.ts";

/** Written by scripts/fit-silicon.ts from aiconfigurator-silicon (Apache-2.0, aiconfigurator@095f58a). */

/** Constants of each engine from all rows of the sample. Their error on groups they have not seen is in docs/accuracy.md. */
export const FITTED_ENGINES: Readonly<Record<"trtllm" | "sglang" | "vllm", EngineConstants>> = {
  /** 133 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.287. */
  trtllm: {
    overheads: {
      stepNs: 1500000,
      sequenceNs: 12500,
      layerNs: 0,
      eagerLayerNs: 0,
      kernelNs: -1875,
      attentionFactor: 0.681,
      expertFactor: 0.766,
      computeFactor: 1.088,
      exchangeFactor: 1.225,
    },
    blackwellEight: 0.756,
    frontNs: 96875000,
  },
  /** 122 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.303. */
  sglang: {
    overheads: {
      stepNs: 343750,
      sequenceNs: 8281,
      layerNs: 0,
      eagerLayerNs: 1275000,
      kernelNs: 1219,
      attentionFactor: 0.616,
      expertFactor: 0.68,
      computeFactor: 1.138,
      exchangeFactor: 1.422,
    },
    blackwellEight: 0.972,
    frontNs: 132812500,
  },
  /** 42 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.110. */
  vllm: {
    overheads: {
      stepNs: 812500,
      sequenceNs: 11250,
      layerNs: 0,
      eagerLayerNs: 750000,
      kernelNs: -562,
      attentionFactor: 1.431,
      expertFactor: 1,
      computeFactor: 1.044,
      exchangeFactor: 1.197,
    },
    blackwellEight: 1,
    frontNs: 9375000,
  },
};
