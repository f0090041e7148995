import type { EngineConstants } from "./engine-constants.ts";

/** Written by scripts/fit-silicon.ts from aiconfigurator-silicon (Apache-2.0, aiconfigurator@095f58a). */

/** Constants of each engine from all rows of the sample. Their error on groups they have not seen is in docs/accuracy.md. */
export const FITTED_ENGINES: Readonly<Record<"trtllm" | "sglang" | "vllm", EngineConstants>> = {
  /** 138 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.290. */
  sglang: {
    overheads: {
      stepNs: 406250,
      sequenceNs: 7656,
      layerNs: 0,
      eagerLayerNs: 1125000,
      kernelNs: 1266,
      attentionFactor: 0.644,
      expertFactor: 0.742,
      computeFactor: 1.225,
      exchangeFactor: 1.094,
    },
    blackwellEight: 0.864,
    frontNs: 112500000,
    frontClientNs: 3203125,
  },
  /** 151 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.276. */
  trtllm: {
    overheads: {
      stepNs: 1375000,
      sequenceNs: 10156,
      layerNs: 0,
      eagerLayerNs: 0,
      kernelNs: -1734,
      attentionFactor: 0.822,
      expertFactor: 0.703,
      computeFactor: 1.075,
      exchangeFactor: 1.272,
    },
    blackwellEight: 0.752,
    frontNs: 77343750,
    frontClientNs: 1140625,
  },
  /** 48 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.114. */
  vllm: {
    overheads: {
      stepNs: 578125,
      sequenceNs: 9844,
      layerNs: 0,
      eagerLayerNs: 0,
      kernelNs: -234,
      attentionFactor: 1.412,
      expertFactor: 1,
      computeFactor: 1.025,
      exchangeFactor: 1.328,
    },
    blackwellEight: 0.752,
    frontNs: 15625000,
    frontClientNs: 0,
  },
};
