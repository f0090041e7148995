import type { CollectiveKind } from "../../operator/operator-query.ts";
import type { CollectiveCurve, CurveLine } from "./collective-curve.ts";
import type { CollectiveLibrary } from "./network-figures.ts";

/**
 * The ways of NCCL and of engines' own kernels with round constants: where fits begin, and what holds for a line that no sample tells of.
 *
 * Source: shapes of the lines from NVIDIA/nccl@5067397 src/graph/tuning.cc (LL, LL128, Simple, NVLS); latencies near its constants, rates as shares of
 * the data sheet that NCCL's own link rates (0.8) and protocol shares (0.5, 0.92) leave after chunking.
 */
const LL: CurveLine = { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 5000, stepNs: 800, share: 0.012 };
const LL128: CurveLine = { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 7000, stepNs: 900, share: 0.33 };
const SIMPLE: CurveLine = { crossings: "ring", steps: "ring", ranksMin: 2, baseNs: 22_000, stepNs: 1200, share: 0.66 };
const SWITCH_REDUCES: CurveLine = { crossings: "switch", steps: "once", ranksMin: 3, baseNs: 15_000, stepNs: 8000, share: 0.55 };
const SWITCH_COPIES: CurveLine = { crossings: "ring", steps: "once", ranksMin: 3, baseNs: 15_000, stepNs: 8000, share: 0.72 };
const ALL_TO_ALL: CollectiveCurve = [
  { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 6000, stepNs: 1000, share: 0.012 },
  { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 10_000, stepNs: 2000, share: 0.25 },
  { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 20_000, stepNs: 3000, share: 0.65 },
];
/** Every rank reads all of every other (one shot), or reads, adds and hands on its part (two shots). */
const ONE_SHOT: CurveLine = { crossings: "gather", steps: "once", ranksMin: 2, baseNs: 2000, stepNs: 1000, share: 0.55 };
const TWO_SHOT: CurveLine = { crossings: "ring", steps: "once", ranksMin: 2, baseNs: 5000, stepNs: 3000, share: 0.5 };

/** Lines of a library's collective; `inSwitch`: the switch of the domain adds up and copies. */
export function startCurve(library: CollectiveLibrary, kind: CollectiveKind, inSwitch: boolean): CollectiveCurve {
  if (kind === "all-to-all") return ALL_TO_ALL;
  if (kind === "all-reduce") {
    const large = inSwitch ? [SIMPLE, SWITCH_REDUCES] : [SIMPLE];
    return library === "nccl" ? [LL, LL128, ...large] : [ONE_SHOT, TWO_SHOT, ...large];
  }
  if (kind === "broadcast") return [LL, LL128, SIMPLE];
  return inSwitch ? [LL, LL128, SIMPLE, SWITCH_COPIES] : [LL, LL128, SIMPLE];
}
