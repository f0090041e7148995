import { must } from "../../base/assert.ts";
import { COMPILE_MOST_NS } from "../../cost/accuracy/silicon/silicon-benchmark.ts";
import { contradictingRows } from "../../cost/accuracy/silicon/silicon-campaigns.ts";
import { SILICON_FOLDS } from "../../cost/accuracy/silicon/silicon-folds.ts";
import { type SiliconEngine, type SiliconRow, siliconGroup } from "../../cost/accuracy/silicon/silicon-row.ts";
import type { EngineConstants } from "../../cost/iteration/engines/engine-constants.ts";
import { iterationFaultText } from "../../cost/iteration/iteration-fault.ts";
import type { OperatorModel } from "../../cost/operator/operator-model.ts";
import { engineOperators } from "../../cost/operator/physics/physics-model.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { SILICON_CONSTANTS } from "./silicon-constants.ts";
import {
  caseDevices,
  FIRST_WAVE_SHARE,
  promptShare,
  type RunnableCase,
  siliconCase,
  siliconCost,
  siliconTimes,
  waitsForKernels,
} from "./silicon-prediction.ts";

/**
 * What is known of a row's configuration: all of it; all but the number format (the checkpoint's own is taken); or less than its measurements show
 * (it, or its campaign, contradicts others of the same configuration).
 */
export type SiliconKnowledge = "stated" | "format assumed" | "setting not named";

/** A row measured and predicted by constants that saw no row of its group. Times in ms. */
export interface SiliconPoint {
  readonly row: SiliconRow;
  readonly group: string;
  readonly fold: number;
  readonly devices: number;
  readonly clients: number;
  readonly knowledge: SiliconKnowledge;
  readonly predictedTpotMs: number;
  readonly predictedTtftMs: number;
  /** Prompts' share of the time of all iterations. */
  readonly promptShare: number;
  /** What of the TTFT is a wait for kernels to be compiled, as predicted and at most; absent where nothing is compiled. */
  readonly compiling?: { readonly predictedMs: number; readonly mostMs: number };
}

export interface SiliconEvaluation {
  readonly points: readonly SiliconPoint[];
  /** Aggregated rows that are not predicted, by reason. */
  readonly excluded: Readonly<Record<string, number>>;
  readonly aggregated: number;
}

export interface EvaluationOptions {
  /** Operators of a device in an engine; absent: its data sheet with the constants of the engine's kernels. */
  readonly operators?: (sheet: DeviceSheet, engine: SiliconEngine) => OperatorModel;
  /** Every so many rows; 1: all. */
  readonly stride?: number;
  /** Constants of an engine that never saw a fold; absent: the stored ones. */
  readonly constants?: (engine: SiliconEngine, fold: number) => EngineConstants;
}

/** Predicts the aggregated rows of a sample, each by the constants of the fold its group is held out in. */
export function evaluateSilicon(rows: readonly SiliconRow[], options: EvaluationOptions = {}): SiliconEvaluation {
  const contradicting = contradictingRows(rows);
  const excluded: Record<string, number> = {};
  const points: SiliconPoint[] = [];
  let aggregated = 0;
  for (const row of rows) {
    if (row.mode !== "agg") continue;
    aggregated += 1;
    const test = siliconCase(row);
    if ("excluded" in test) {
      excluded[test.excluded] = (excluded[test.excluded] ?? 0) + 1;
      continue;
    }
    if (aggregated % (options.stride ?? 1) !== 0) continue;
    const point = pointOf(test, options);
    if (typeof point === "string") excluded[point] = (excluded[point] ?? 0) + 1;
    else points.push({ ...point, knowledge: contradicting.has(row.id) ? "setting not named" : point.knowledge });
  }
  return { points, excluded, aggregated };
}

function pointOf(test: RunnableCase, options: EvaluationOptions): SiliconPoint | string {
  const { row } = test;
  const group = siliconGroup(row);
  const fold = must(SILICON_FOLDS[group], group);
  const constants = options.constants?.(row.engine, fold) ?? must(SILICON_CONSTANTS[row.engine][fold], row.engine);
  const cost = siliconCost(test, { operators: options.operators ?? engineOperators, constants });
  if (!cost.ok) return iterationFaultText(cost.error);
  const { ttftNs, tpotNs } = siliconTimes(test, cost.value, constants);
  return {
    row,
    group,
    fold,
    devices: caseDevices(test),
    clients: test.clients,
    knowledge: test.stated ? "stated" : "format assumed",
    predictedTpotMs: tpotNs / 1e6,
    predictedTtftMs: ttftNs / 1e6,
    promptShare: promptShare(test, cost.value),
    ...(waitsForKernels(test) && {
      compiling: { predictedMs: (constants.compileNs * FIRST_WAVE_SHARE) / 1e6, mostMs: (COMPILE_MOST_NS * FIRST_WAVE_SHARE) / 1e6 },
    }),
  };
}
