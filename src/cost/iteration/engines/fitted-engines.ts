import type { EngineConstants } from "./engine-constants.ts";

/** Written by scripts/fit-silicon.ts from aiconfigurator-silicon (Apache-2.0, aiconfigurator@095f58a). */

/** Constants of each engine from all rows of the sample. Their error on groups they have not seen is in docs/accuracy.md. */
export const FITTED_ENGINES: Readonly<Record<"trtllm" | "sglang" | "vllm", EngineConstants>> = {
  /** 138 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.269. */
  sglang: {
    overheads: {
      stepNs: 484375,
      sequenceNs: 7344,
      layerNs: 0,
      eagerLayerNs: 1500000,
      kernelNs: 1172,
      attentionFactor: 0.597,
      expertFactor: 0.75,
      computeFactor: 1.188,
      exchangeFactor: 1.094,
    },
    blackwellEight: 0.92,
    frontNs: 83593750,
    frontClientNs: 1937500,
  },
  /** 151 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.265. */
  trtllm: {
    overheads: {
      stepNs: 1406250,
      sequenceNs: 9688,
      layerNs: 0,
      eagerLayerNs: 0,
      kernelNs: -1406,
      attentionFactor: 0.85,
      expertFactor: 0.688,
      computeFactor: 1.031,
      exchangeFactor: 1.291,
    },
    blackwellEight: 0.737,
    frontNs: 85156250,
    frontClientNs: 234375,
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
    blackwellEight: 0.737,
    frontNs: 15625000,
    frontClientNs: 0,
  },
};
