import type { PhysicsConstants } from "../physics-constants.ts";
import { HOPPER } from "./hopper.ts";
import { SPARSE_ATTENTION } from "./sparse-attention.ts";

/**
 * Constants of NVIDIA Hopper, kernels of TensorRT-LLM 1.3.0rc20.
 *
 * Source: fitted by scripts/fit-kernels.ts on AIConfigurator's tables of the engine's kernels (package aiconfigurator-core 0.12.0, Apache-2.0);
 * what has no data there is the family's. Errors of groups held out in five folds, median:
 * product half 5.1 %, p90 15.1 %; product eight 4.4 %, p90 13.6 %; product eightBlock 7.7 %, p90 20.8 %;
 * prefill-attention 15.3 %, p90 39.2 %; decode-attention 20.3 %, p90 67.2 %; latent-attention 6.4 %, p90 20.2 %;
 * experts half 12.1 %, p90 63.0 %; experts eight 11.2 %, p90 55.2 %; experts eightBlock 10.8 %, p90 27.0 %;
 * experts unpacked 13.8 %, p90 31.0 %.
 */
export const HOPPER_TRTLLM: PhysicsConstants = {
  ...HOPPER,
  family: "NVIDIA Hopper, kernels of TensorRT-LLM 1.3.0rc20",
  source: "h100_sxm, h200_sxm: aiconfigurator-core 0.12.0 (TensorRT-LLM 1.3.0rc20)",
  product: {
    ...HOPPER.product,
    half: {
      launchNs: 2580,
      memoryShare: 0.863,
      computeShare: 0.868,
      halfIntensity: 0.502,
      fillDepth: 125,
      waveShare: 0.0416,
      coreDraw: 4.22,
      splitNs: 960,
      serialShare: 0.232,
      inputBytes: 0,
      spread: 0.17,
    },
    eight: {
      launchNs: 5100,
      memoryShare: 0.857,
      computeShare: 0.877,
      halfIntensity: 6.12,
      fillDepth: 341,
      waveShare: 0.00364,
      coreDraw: 4.56,
      splitNs: 1040,
      serialShare: 0.201,
      inputBytes: 3.24,
      spread: 0.15,
    },
    eightBlock: {
      launchNs: 4060,
      memoryShare: 1.02,
      computeShare: 0.72,
      halfIntensity: 7.62,
      fillDepth: 401,
      waveShare: 0.339,
      coreDraw: 2.52,
      splitNs: 25700,
      serialShare: 0.533,
      inputBytes: 5.85,
      spread: 0.23,
    },
  },
  prefillAttention: {
    launchNs: 13500,
    memoryShare: 0.298,
    computeShare: 0.611,
    halfHeadDim: 353,
    tileRows: 128,
    tileKeys: 128,
    fillKeys: 179,
    waveShare: 1,
    serialShare: 1,
    spread: 0.51,
  },
  decodeAttention: {
    launchNs: 7360,
    memoryShare: 0.806,
    computeShare: 0.0769,
    tileRows: 16,
    coreDraw: 0.814,
    unitNs: 1050,
    fillTokens: 31.9,
    widenBytes: 0.000001,
    splitsSingle: true,
    splitNs: 4910,
    serialShare: 0.0001,
    spread: 1.4,
  },
  latentAttention: {
    launchNs: 37600,
    halfLaunchNs: 36000,
    copies: 4.59,
    rowCopies: 2.22,
    prefillShare: 0.672,
    decodeComputeShare: 0.765,
    decodeMemoryShare: 0.91,
    serialShare: 0.127,
    spread: 0.23,
  },
  sparseAttention: SPARSE_ATTENTION.hopperTrtllm,
  experts: {
    ...HOPPER.experts,
    half: {
      launchNs: 30500,
      memoryShare: 1.05,
      computeShare: 0.747,
      tileRows: 64,
      copies: 3.51,
      gathers: 0.506,
      serialShare: 0.722,
      spread: 1.7,
    },
    eight: {
      launchNs: 29800,
      memoryShare: 0.989,
      computeShare: 0.691,
      tileRows: 64,
      copies: 3.55,
      gathers: 0.577,
      serialShare: 0.694,
      spread: 1.2,
    },
    eightBlock: {
      launchNs: 25100,
      memoryShare: 0.955,
      computeShare: 0.397,
      tileRows: 64,
      copies: 8.78,
      gathers: 0.366,
      serialShare: 0.412,
      spread: 0.31,
    },
  },
  unpackedExperts: {
    launchNs: 86600,
    memoryShare: 1.1,
    computeShare: 1.17,
    tileRows: 64,
    copies: 15.4,
    gathers: 14.8,
    serialShare: 0.607,
    spread: 0.36,
  },
};
