import type { CollectiveKind } from "../../operator/operator-query.ts";
import type { CollectiveCurve } from "./collective-curve.ts";
import type { CollectiveLibrary, NetworkGeneration } from "./network-figures.ts";

/** A curve fitted on public tables, and how far it is off them: mean of |predicted / measured - 1|. */
export interface FittedCurve {
  readonly lines: CollectiveCurve;
  readonly fitError: number;
  readonly points: number;
  /** Version of the library that was measured. */
  readonly version: string;
}

/**
 * Constants of collectives inside a node by library and generation. Engines replace only all-reduce. CUDA graphs, half precision, 2 to 8 devices.
 *
 * Units: ns; shares of the links' data-sheet rate.
 * Source: fitted by scripts/fit-collectives.ts on ai-dynamo/aiconfigurator@095f58a (Apache-2.0), tables comm/{nccl,vllm,sglang,trtllm} of A100, H100,
 * H200 and B200 SXM.
 */
export const FITTED_CURVES: Readonly<
  Record<CollectiveLibrary, Readonly<Record<NetworkGeneration, Partial<Record<CollectiveKind, FittedCurve>>>>>
> = {
  nccl: {
    ampere: {
      "all-gather": {
        lines: [
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 7975, stepNs: 910, share: 0.00994 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 11149, stepNs: 1029, share: 0.287 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 52518, stepNs: 960, share: 0.638 },
        ],
        fitError: 0.069,
        points: 63,
        version: "2.27.3",
      },
      "all-to-all": {
        lines: [
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 11968, stepNs: 1072, share: 0.0143 },
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 11589, stepNs: 1900, share: 0.228 },
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 31765, stepNs: 3146, share: 0.623 },
        ],
        fitError: 0.062,
        points: 63,
        version: "2.27.3",
      },
      "reduce-scatter": {
        lines: [
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 7977, stepNs: 989, share: 0.0109 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 11040, stepNs: 696, share: 0.33 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 45553, stepNs: 1080, share: 0.68 },
        ],
        fitError: 0.054,
        points: 63,
        version: "2.27.3",
      },
      "all-reduce": {
        lines: [
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 7510, stepNs: 1129, share: 0.0167 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 11194, stepNs: 843, share: 0.385 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 52406, stepNs: 1058, share: 0.71 },
        ],
        fitError: 0.05,
        points: 63,
        version: "2.27.3",
      },
    },
    hopper: {
      "all-gather": {
        lines: [
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 4557, stepNs: 873, share: 0.0106 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 5258, stepNs: 1055, share: 0.302 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 24257, stepNs: 1150, share: 0.569 },
          { crossings: "ring", steps: "once", ranksMin: 3, baseNs: 17997, stepNs: 8702, share: 0.701 },
        ],
        fitError: 0.048,
        points: 126,
        version: "2.29.2",
      },
      "all-to-all": {
        lines: [
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 5626, stepNs: 895, share: 0.0135 },
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 9916, stepNs: 2079, share: 0.519 },
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 37404, stepNs: 3191, share: 0.701 },
        ],
        fitError: 0.081,
        points: 126,
        version: "2.29.2",
      },
      "reduce-scatter": {
        lines: [
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 4291, stepNs: 1079, share: 0.0138 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 5487, stepNs: 793, share: 0.349 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 22793, stepNs: 1123, share: 0.528 },
          { crossings: "ring", steps: "once", ranksMin: 3, baseNs: 13749, stepNs: 7001, share: 0.694 },
        ],
        fitError: 0.045,
        points: 126,
        version: "2.29.2",
      },
      "all-reduce": {
        lines: [
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 4679, stepNs: 831, share: 0.0135 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 5348, stepNs: 884, share: 0.395 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 19583, stepNs: 955, share: 0.669 },
          { crossings: "switch", steps: "once", ranksMin: 3, baseNs: 38668, stepNs: 9756, share: 0.521 },
        ],
        fitError: 0.045,
        points: 126,
        version: "2.29.2",
      },
    },
    blackwell: {
      "all-gather": {
        lines: [
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 7834, stepNs: 1323, share: 0.00607 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 8871, stepNs: 1295, share: 0.27 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 19178, stepNs: 2117, share: 0.504 },
          { crossings: "ring", steps: "once", ranksMin: 3, baseNs: 34383, stepNs: 10785, share: 0.722 },
        ],
        fitError: 0.063,
        points: 63,
        version: "2.29.2",
      },
      "all-to-all": {
        lines: [
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 9025, stepNs: 1026, share: 0.0155 },
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 14335, stepNs: 2073, share: 0.42 },
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 24402, stepNs: 3128, share: 0.55 },
        ],
        fitError: 0.068,
        points: 63,
        version: "2.29.2",
      },
      "reduce-scatter": {
        lines: [
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 8120, stepNs: 1402, share: 0.00675 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 8562, stepNs: 1278, share: 0.274 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 18754, stepNs: 1881, share: 0.472 },
          { crossings: "ring", steps: "once", ranksMin: 3, baseNs: 37852, stepNs: 10051, share: 0.722 },
        ],
        fitError: 0.051,
        points: 63,
        version: "2.29.2",
      },
      "all-reduce": {
        lines: [
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 8185, stepNs: 1370, share: 0.00687 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 8174, stepNs: 1368, share: 0.33 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 36512, stepNs: 2174, share: 0.719 },
          { crossings: "switch", steps: "once", ranksMin: 3, baseNs: 51935, stepNs: 9135, share: 0.394 },
        ],
        fitError: 0.052,
        points: 63,
        version: "2.29.2",
      },
    },
  },
  vllm: {
    ampere: {
      "all-reduce": {
        lines: [
          { crossings: "gather", steps: "once", ranksMin: 2, baseNs: 4042, stepNs: 1165, share: 0.489 },
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 6563, stepNs: 3590, share: 0.463 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 86161, stepNs: 1383, share: 0.738 },
        ],
        fitError: 0.089,
        points: 69,
        version: "0.14.0",
      },
    },
    hopper: {
      "all-reduce": {
        lines: [
          { crossings: "gather", steps: "once", ranksMin: 2, baseNs: 3075, stepNs: 1438, share: 0.509 },
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 2867, stepNs: 5041, share: 0.509 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 66287, stepNs: 1504, share: 0.715 },
          { crossings: "switch", steps: "once", ranksMin: 3, baseNs: 6579, stepNs: 4979, share: 0.48 },
        ],
        fitError: 0.051,
        points: 138,
        version: "0.24.0",
      },
    },
    blackwell: {
      "all-reduce": {
        lines: [
          { crossings: "gather", steps: "once", ranksMin: 2, baseNs: 5148, stepNs: 1801, share: 0.188 },
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 15255, stepNs: 3760, share: 0.235 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 32058, stepNs: 1397, share: 0.629 },
          { crossings: "switch", steps: "once", ranksMin: 3, baseNs: 10770, stepNs: 7616, share: 0.417 },
        ],
        fitError: 0.073,
        points: 69,
        version: "0.24.0",
      },
    },
  },
  sglang: {
    ampere: {
      "all-reduce": {
        lines: [
          { crossings: "gather", steps: "once", ranksMin: 2, baseNs: 4042, stepNs: 1231, share: 0.537 },
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 8342, stepNs: 3781, share: 0.674 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 21840, stepNs: 1197, share: 0.488 },
        ],
        fitError: 0.074,
        points: 69,
        version: "0.5.10",
      },
    },
    hopper: {
      "all-reduce": {
        lines: [
          { crossings: "gather", steps: "once", ranksMin: 2, baseNs: 1609, stepNs: 1119, share: 0.654 },
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 4433, stepNs: 2497, share: 0.623 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 21933, stepNs: 1206, share: 0.46 },
          { crossings: "switch", steps: "once", ranksMin: 3, baseNs: 38716, stepNs: 10497, share: 0.523 },
        ],
        fitError: 0.085,
        points: 138,
        version: "0.5.14",
      },
    },
    blackwell: {
      "all-reduce": {
        lines: [
          { crossings: "gather", steps: "once", ranksMin: 2, baseNs: 3277, stepNs: 1289, share: 0.542 },
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 8030, stepNs: 3814, share: 0.485 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 36281, stepNs: 1227, share: 0.54 },
          { crossings: "switch", steps: "once", ranksMin: 3, baseNs: 8876, stepNs: 5626, share: 0.42 },
        ],
        fitError: 0.08,
        points: 69,
        version: "0.5.14",
      },
    },
  },
  trtllm: {
    ampere: {
      "all-reduce": {
        lines: [
          { crossings: "gather", steps: "once", ranksMin: 2, baseNs: 3335, stepNs: 1125, share: 0.407 },
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 9231, stepNs: 3365, share: 0.36 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 63989, stepNs: 1105, share: 0.718 },
        ],
        fitError: 0.106,
        points: 69,
        version: "1.0.0",
      },
    },
    hopper: {
      "all-reduce": {
        lines: [
          { crossings: "gather", steps: "once", ranksMin: 2, baseNs: 1748, stepNs: 1146, share: 0.616 },
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 12359, stepNs: 3848, share: 0.396 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 14011, stepNs: 1133, share: 0.627 },
          { crossings: "switch", steps: "once", ranksMin: 3, baseNs: 45360, stepNs: 10343, share: 0.543 },
        ],
        fitError: 0.061,
        points: 138,
        version: "1.3.0rc20",
      },
    },
    blackwell: {
      "all-reduce": {
        lines: [
          { crossings: "gather", steps: "once", ranksMin: 2, baseNs: 3391, stepNs: 1572, share: 0.59 },
          { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 6482, stepNs: 3240, share: 0.19 },
          { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 13512, stepNs: 727, share: 0.493 },
          { crossings: "switch", steps: "once", ranksMin: 3, baseNs: 39128, stepNs: 15226, share: 0.447 },
        ],
        fitError: 0.06,
        points: 69,
        version: "1.3.0rc20",
      },
    },
  },
};
