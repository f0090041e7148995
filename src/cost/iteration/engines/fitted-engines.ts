import type { EngineConstants } from "./engine-constants.ts";

/** Written by scripts/fit-silicon.ts from aiconfigurator-silicon (Apache-2.0, aiconfigurator@095f58a). */

/** Constants of each engine from all rows of the sample. Their error on groups they have not seen is in docs/accuracy.md. */
export const FITTED_ENGINES: Readonly<Record<"trtllm" | "sglang" | "vllm", EngineConstants>> = {
  /** 115 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.275. */
  trtllm: {
    overheads: {
      stepNs: 1312500,
      sequenceNs: 8594,
      layerNs: 0,
      eagerLayerNs: 0,
      kernelNs: -891,
      attentionFactor: 0.784,
      expertFactor: 0.727,
      computeFactor: 1,
      exchangeFactor: 1.234,
    },
    blackwellEight: 0.78,
    frontNs: 104687500,
    frontClientNs: 0,
  },
  /** 106 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.298. */
  sglang: {
    overheads: {
      stepNs: 312500,
      sequenceNs: 4844,
      layerNs: 0,
      eagerLayerNs: 2000000,
      kernelNs: 141,
      attentionFactor: 0.681,
      expertFactor: 0.75,
      computeFactor: 1.275,
      exchangeFactor: 1.262,
    },
    blackwellEight: 0.883,
    frontNs: 107031250,
    frontClientNs: 0,
  },
  /** 36 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.111. */
  vllm: {
    overheads: {
      stepNs: 828125,
      sequenceNs: 8906,
      layerNs: 0,
      eagerLayerNs: 0,
      kernelNs: -516,
      attentionFactor: 1.291,
      expertFactor: 1,
      computeFactor: 1.05,
      exchangeFactor: 1.338,
    },
    blackwellEight: 1,
    frontNs: 12500000,
    frontClientNs: 0,
  },
};
