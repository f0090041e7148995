import type { EngineConstants } from "./engine-constants.ts";

/** Written by scripts/fit-silicon.ts from aiconfigurator-silicon (Apache-2.0, aiconfigurator@095f58a). */

/** Constants of each engine from all rows of the sample. Their error on groups they have not seen is in docs/accuracy.md. */
export const FITTED_ENGINES: Readonly<Record<"trtllm" | "sglang" | "vllm", EngineConstants>> = {
  /** 130 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.177. */
  trtllm: {
    overheads: {
      stepNs: 515625,
      sequenceNs: 5000,
      layerNs: 0,
      eagerLayerNs: 400000,
      kernelNs: -47,
      attentionFactor: 1,
      expertFactor: 0.993,
      computeFactor: 1.002,
      exchangeFactor: 1,
    },
    blackwellEight: 1,
    frontNs: 35937500,
    frontClientNs: 281250,
    frontMixtureNs: 23437500,
    frontOtherNs: 42187500,
    compileNs: 1562500000,
  },
  /** 137 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.213. */
  sglang: {
    overheads: {
      stepNs: 578125,
      sequenceNs: 5469,
      layerNs: 0,
      eagerLayerNs: 400000,
      kernelNs: 422,
      attentionFactor: 1.011,
      expertFactor: 1.007,
      computeFactor: 1.004,
      exchangeFactor: 1.006,
    },
    blackwellEight: 1.001,
    frontNs: 82812500,
    frontClientNs: 1000000,
    frontMixtureNs: 51562500,
    frontOtherNs: 51562500,
    compileNs: 60000000000,
  },
  /** 48 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.165. */
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
    frontNs: 23437500,
    frontClientNs: 0,
    frontMixtureNs: 51562500,
    frontOtherNs: 42187500,
    compileNs: 60000000000,
  },
};
