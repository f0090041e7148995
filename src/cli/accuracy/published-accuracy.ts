/** What others publish of the accuracy of such predictions: their claims, on their own cases, which are not ours. */
export interface PublishedAccuracy {
  readonly prediction: string;
  readonly figure: string;
  readonly source: string;
}

const AIC = "ai-dynamo/aiconfigurator@095f58a";
const SIM_TO_REAL = "inference-sim/sim-to-real-accuracy-validation (by the authors of BLIS)";

/** By a short name. */
export const PUBLISHED_ACCURACY: Readonly<Record<string, PublishedAccuracy>> = {
  "aic-product": {
    prediction: "GEMM, shapes left out one by one",
    figure: "3.6 % median, 14.7 % p90",
    source: `${AIC}, docs/design/perf_interp_design.md`,
  },
  "aic-attention": {
    prediction: "prefill attention, decode attention, MLA; points left out one by one",
    figure: "2.0 %, 1.1 %, 2.2 % median (p90 9.7 %, 9.7 % at the frontier, 10 %)",
    source: `${AIC}, docs/design/perf_interp_design.md`,
  },
  "llmcompass-operators": {
    prediction: "operators on new hardware",
    figure: "10.9 % mean",
    source: "LLMCompass, ISCA 2024: A100, MI210, TPUv3",
  },
  "llmcompass-inference": { prediction: "inference of a layer", figure: "4.1 %", source: "LLMCompass, ISCA 2024" },
  "llmservingsim-own": {
    prediction: "recorded vLLM runs, tables of the same device",
    figure: "TPOT 0.2 to 1.7 %, TTFT 0.6 to 13.6 %",
    source: "casys-kaist/LLMServingSim@5daddb2, own runs",
  },
  "llmservingsim-third": {
    prediction: "the same tool, 32 other runs",
    figure: "E2E 18.8 %, TTFT 72.5 %, ITL 21.8 % median",
    source: SIM_TO_REAL,
  },
  "aic-silicon-third": { prediction: "AIConfigurator, 9 runs", figure: "TTFT 653 %, ITL 25 % median", source: SIM_TO_REAL },
  "aic-silicon-user": {
    prediction: "AIConfigurator, TTFT on A100",
    figure: "about 45 % mean",
    source: "ai-dynamo/aiconfigurator issue 1205",
  },
  "blis-unfitted": {
    prediction: "BLIS, 36 runs it was not fitted on",
    figure: "E2E 6.7 % mean, 9.2 % p99; TTFT 17.6 %; ITL 7.1 %",
    source: "inference-sim/inference-sim@f90a1e3",
  },
  "blis-device": {
    prediction: "BLIS, E2E on a device not profiled",
    figure: "A100 15.7 %, L40S 13.3 %",
    source: "inference-sim/inference-sim@f90a1e3",
  },
  frontier: { prediction: "Frontier, E2E", figure: "6.4 % co-located, 2.6 % disaggregated", source: "arXiv:2605.21312, own 16 H800" },
  genz: {
    prediction: "inference by roofline",
    figure: "5.8 % geometric mean (GenZ), 10.7 % (APEX)",
    source: "GenZ; APEX, arXiv:2411.17651",
  },
  "simai-step": { prediction: "training step", figure: "98.1 % alignment", source: "SimAI, NSDI 2025" },
  "mlsysim-step": { prediction: "training step", figure: "-22 to +54 %", source: "mlsysim" },
};
