import { must } from "../../base/assert.ts";
import { siliconBenchmark } from "../../cost/accuracy/silicon/silicon-benchmark.ts";
import { SILICON_FOLDS } from "../../cost/accuracy/silicon/silicon-folds.ts";
import { type SiliconRow, siliconGroup } from "../../cost/accuracy/silicon/silicon-row.ts";
import { emptyBatch } from "../../cost/iteration/iteration-cost.ts";
import { iterationFaultText } from "../../cost/iteration/iteration-fault.ts";
import { engineOperators } from "../../cost/operator/physics/physics-model.ts";
import { SILICON_CONSTANTS } from "./silicon-constants.ts";
import type { EvaluationOptions, SiliconEvaluation, SiliconPoint } from "./silicon-evaluation.ts";
import { caseDevices, sideCase, siliconCost } from "./silicon-prediction.ts";

/**
 * Predicts the decode side of disaggregated rows: sequences of their batch size that only decode, at their mean context. TTFT is not predicted: it
 * has the wait for prefill workers in it, whose load the rows do not give.
 */
export function evaluateDecodeSides(rows: readonly SiliconRow[], options: EvaluationOptions = {}): SiliconEvaluation {
  const excluded: Record<string, number> = {};
  const points: SiliconPoint[] = [];
  let seen = 0;
  for (const row of rows) {
    if (row.mode !== "disagg") continue;
    seen += 1;
    const point = decodePoint(row, options);
    if (typeof point === "string") excluded[point] = (excluded[point] ?? 0) + 1;
    else points.push(point);
  }
  return { points, excluded, aggregated: seen };
}

function decodePoint(row: SiliconRow, options: EvaluationOptions): SiliconPoint | string {
  const side = row.decode;
  if (side === undefined) return "no batch size";
  const test = sideCase(row, side, side.batch * side.data);
  if ("excluded" in test) return test.excluded;
  const group = siliconGroup(row);
  const fold = must(SILICON_FOLDS[group], group);
  const constants = must(SILICON_CONSTANTS[row.engine][fold], row.engine);
  const cost = siliconCost(test, { operators: options.operators ?? engineOperators, constants });
  if (!cost.ok) return iterationFaultText(cost.error);
  const share = (1 + siliconBenchmark(row).leastShare) / 2;
  const context = share * (row.promptTokens + row.outputTokens / 2);
  const decodes = test.clients;
  const ns = cost.value.iterationNs({ ...emptyBatch(), decodes, decodeContext: decodes * context, decodeContextMax: context });
  const knowledge = test.stated ? "stated" : "format assumed";
  return {
    row,
    group,
    fold,
    devices: caseDevices(test),
    clients: decodes,
    knowledge,
    predictedTpotMs: ns / 1e6,
    predictedTtftMs: Number.NaN,
  };
}
