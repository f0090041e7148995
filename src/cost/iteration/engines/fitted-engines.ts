import type { EngineConstants } from "./engine-constants.ts";

/** Written by scripts/fit-silicon.ts from aiconfigurator-silicon (Apache-2.0, aiconfigurator@095f58a). */

/** Constants of each engine from all rows of the sample. Their error on groups they have not seen is in docs/accuracy.md. */
export const FITTED_ENGINES: Readonly<Record<"trtllm" | "sglang" | "vllm", EngineConstants>> = {
  /** 90 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.288. */
  sglang: {
    overheads: {
      stepNs: 468750,
      sequenceNs: 9688,
      layerNs: 0,
      eagerLayerNs: 0,
      kernelNs: 891,
      attentionFactor: 0.803,
      expertFactor: 0.859,
      computeFactor: 1.112,
      exchangeFactor: 1.131,
    },
    blackwellEight: 0.822,
    frontNs: 122656250,
    frontClientNs: 3531250,
  },
  /** 97 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.265. */
  trtllm: {
    overheads: {
      stepNs: 1296875,
      sequenceNs: 9688,
      layerNs: 0,
      eagerLayerNs: 0,
      kernelNs: -1547,
      attentionFactor: 0.766,
      expertFactor: 0.719,
      computeFactor: 1.1,
      exchangeFactor: 1.244,
    },
    blackwellEight: 0.733,
    frontNs: 85937500,
    frontClientNs: 343750,
  },
  /** 30 rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: 0.126. */
  vllm: {
    overheads: {
      stepNs: 453125,
      sequenceNs: 11875,
      layerNs: 0,
      eagerLayerNs: 0,
      kernelNs: -94,
      attentionFactor: 1.281,
      expertFactor: 1,
      computeFactor: 1.144,
      exchangeFactor: 1.019,
    },
    blackwellEight: 0.733,
    frontNs: 9375000,
    frontClientNs: 0,
  },
};
