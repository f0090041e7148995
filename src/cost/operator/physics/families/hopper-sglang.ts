import type { PhysicsConstants } from "../physics-constants.ts";
import { HOPPER } from "./hopper.ts";
import { SPARSE_ATTENTION } from "./sparse-attention.ts";

/**
 * Constants of NVIDIA Hopper, kernels of SGLang 0.5.14.
 *
 * Source: fitted by scripts/fit-kernels.ts on AIConfigurator's tables of the engine's kernels (package aiconfigurator-core 0.12.0, Apache-2.0);
 * what has no data there is the family's. Errors of groups held out in five folds, median:
 * product half 6.7 %, p90 18.1 %; product eight 11.7 %, p90 30.6 %; product eightBlock 10.4 %, p90 27.7 %;
 * prefill-attention 18.4 %, p90 47.9 %; decode-attention 15.1 %, p90 39.2 %;
 * latent-attention (the other engine's tables) 6.8 %, p90 21.6 %; experts half 15.6 %, p90 49.7 %;
 * experts eight (the other engine's tables) 11.2 %, p90 55.2 %; experts eightBlock 8.9 %, p90 24.8 %;
 * experts unpacked 16.3 %, p90 55.2 %.
 */
export const HOPPER_SGLANG: PhysicsConstants = {
  ...HOPPER,
  family: "NVIDIA Hopper, kernels of SGLang 0.5.14",
  source: "h100_sxm, h200_sxm: aiconfigurator-core 0.12.0 (SGLang 0.5.14)",
  product: {
    ...HOPPER.product,
    half: {
      launchNs: 2570,
      memoryShare: 0.896,
      computeShare: 0.982,
      halfIntensity: 14.2,
      fillDepth: 144,
      waveShare: 0.0001,
      coreDraw: 3.71,
      splitNs: 1040,
      serialShare: 0.263,
      inputBytes: 0,
      spread: 0.21,
    },
    eight: {
      launchNs: 4880,
      memoryShare: 0.874,
      computeShare: 0.788,
      halfIntensity: 2.69,
      fillDepth: 498,
      waveShare: 0.404,
      coreDraw: 3.1,
      splitNs: 34700,
      serialShare: 0.312,
      inputBytes: 6.12,
      spread: 0.38,
    },
    eightBlock: {
      launchNs: 3870,
      memoryShare: 0.979,
      computeShare: 0.784,
      halfIntensity: 8.15,
      fillDepth: 225,
      waveShare: 0.396,
      coreDraw: 2.69,
      splitNs: 28200,
      serialShare: 0.469,
      inputBytes: 3.22,
      spread: 0.34,
    },
  },
  prefillAttention: {
    launchNs: 11500,
    memoryShare: 0.533,
    computeShare: 0.502,
    halfHeadDim: 56.1,
    tileRows: 64,
    tileKeys: 128,
    fillKeys: 0.00605,
    waveShare: 1,
    serialShare: 1,
    spread: 0.71,
  },
  decodeAttention: {
    launchNs: 8680,
    memoryShare: 0.973,
    computeShare: 0.242,
    tileRows: 16,
    coreDraw: 0.967,
    unitNs: 2940,
    fillTokens: 28.9,
    widenBytes: 0.613,
    splitsSingle: true,
    splitNs: 2700,
    serialShare: 0.238,
    spread: 0.48,
  },
  latentAttention: {
    launchNs: 39000,
    halfLaunchNs: 35100,
    copies: 5.14,
    rowCopies: 4.37,
    prefillShare: 0.674,
    decodeComputeShare: 0.762,
    decodeMemoryShare: 0.912,
    serialShare: 0.145,
    spread: 0.24,
  },
  sparseAttention: SPARSE_ATTENTION.hopperSglang,
  experts: {
    ...HOPPER.experts,
    half: {
      launchNs: 34000,
      memoryShare: 1.06,
      computeShare: 0.261,
      tileRows: 64,
      copies: 0.00146,
      gathers: 4.11,
      serialShare: 0.627,
      spread: 0.67,
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
      launchNs: 33100,
      memoryShare: 1.1,
      computeShare: 0.357,
      tileRows: 64,
      copies: 0.0736,
      gathers: 4.98,
      serialShare: 0.565,
      spread: 0.28,
    },
  },
  unpackedExperts: {
    launchNs: 41200,
    memoryShare: 0.565,
    computeShare: 0.289,
    tileRows: 64,
    copies: 0.00107,
    gathers: 3.05,
    serialShare: 1,
    spread: 0.66,
  },
};
