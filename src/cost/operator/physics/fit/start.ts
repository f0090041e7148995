import type { ExpertConstants, PhysicsConstants, ProductConstants } from "../physics-constants.ts";

/** Plausible values a search starts from: no prediction uses them as they are. */
const PRODUCT: ProductConstants = {
  launchNs: 3000,
  memoryShare: 0.85,
  computeShare: 0.95,
  halfIntensity: 10,
  fillDepth: 100,
  waveShare: 0.5,
  coreDraw: 2,
  splitNs: 1500,
  serialShare: 0.1,
  inputBytes: 0,
  spread: 1,
};
const QUANTISED: ProductConstants = { ...PRODUCT, inputBytes: 3 };
const EXPERTS: ExpertConstants = {
  launchNs: 30_000,
  memoryShare: 0.85,
  computeShare: 0.5,
  tileRows: 64,
  copies: 0.1,
  gathers: 5,
  serialShare: 0.3,
  spread: 1,
};

export const START: PhysicsConstants = {
  family: "start of a search",
  source: "none",
  devices: [],
  product: { wide: PRODUCT, half: PRODUCT, eight: QUANTISED, eightBlock: QUANTISED, four: QUANTISED, packed: PRODUCT },
  prefillAttention: {
    launchNs: 8000,
    memoryShare: 0.8,
    computeShare: 0.7,
    halfHeadDim: 20,
    tileRows: 128,
    tileKeys: 128,
    fillKeys: 100,
    waveShare: 0.5,
    serialShare: 0.1,
    spread: 1,
  },
  decodeAttention: {
    launchNs: 8000,
    memoryShare: 0.8,
    computeShare: 0.3,
    tileRows: 16,
    coreDraw: 2,
    unitNs: 1000,
    fillTokens: 50,
    widenBytes: 0.2,
    splitsSingle: true,
    splitNs: 3000,
    serialShare: 0.1,
    spread: 1,
  },
  latentAttention: {
    launchNs: 60_000,
    copies: 5,
    rowCopies: 5,
    prefillShare: 0.5,
    decodeComputeShare: 0.5,
    decodeMemoryShare: 0.7,
    serialShare: 0.2,
    spread: 1,
  },
  experts: { wide: EXPERTS, half: EXPERTS, eight: EXPERTS, eightBlock: EXPERTS, four: EXPERTS, packed: { ...EXPERTS, unpackRows: 32 } },
  stream: { launchNs: 2500, memoryShare: 0.85, cacheGain: 2, cacheFit: 1, spread: 1 },
};
