import { must } from "../../base/assert.ts";
import { siliconBenchmark } from "../../cost/accuracy/silicon/silicon-benchmark.ts";
import { SILICON_FOLDS } from "../../cost/accuracy/silicon/silicon-folds.ts";
import { type SiliconRow, siliconGroup } from "../../cost/accuracy/silicon/silicon-row.ts";
import type { EngineConstants } from "../../cost/iteration/engines/engine-constants.ts";
import { emptyBatch } from "../../cost/iteration/iteration-cost.ts";
import { iterationFaultText } from "../../cost/iteration/iteration-fault.ts";
import { engineOperators } from "../../cost/operator/physics/physics-model.ts";
import { decodingClients, type TwoStations } from "./decoding-clients.ts";
import { SILICON_CONSTANTS } from "./silicon-constants.ts";
import type { EvaluationOptions, SiliconEvaluation, SiliconPoint } from "./silicon-evaluation.ts";
import { caseDevices, sideCase, siliconCost } from "./silicon-prediction.ts";

/**
 * Predicts the decode side of disaggregated rows: as many sequences as the row's prefill workers can feed it, up to its batch size, that only decode, at
 * their mean context. TTFT is not predicted: it has queues of routers and hand-overs in it.
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
  const { leastShare, promptTokens } = siliconBenchmark(row);
  const share = (1 + leastShare) / 2;
  const context = share * (promptTokens + row.outputTokens / 2);
  const stepNs = (decodes: number): number =>
    cost.value.iterationNs({ ...emptyBatch(), decodes, decodeContext: decodes * context, decodeContextMax: context });
  const prompts = promptRate(row, constants, options);
  const tokens = Math.max(1, share * row.outputTokens - 1);
  const decodes =
    prompts === undefined
      ? test.clients
      : decodingClients({
          clients: test.clients * side.workers,
          ...prompts,
          decodeNs: (decoding) => tokens * stepNs(Math.ceil(decoding / side.workers)),
        });
  const ns = stepNs(prompts === undefined ? decodes : Math.ceil(decodes / side.workers));
  const knowledge = test.stated ? "stated" : "format assumed";
  return {
    row,
    group,
    fold,
    devices: caseDevices(test),
    clients: test.clients,
    knowledge,
    predictedTpotMs: ns / 1e6,
    predictedTtftMs: Number.NaN,
    // Its devices have no prompts.
    promptShare: 0,
  };
}

/** Tokens of an iteration of a prefill worker's rank, where its queue is full: the engines' default. */
const BATCHED_TOKENS = 8192;

/** What all prefill workers of a row complete, and the time of a prompt; undefined where the row does not give them or they have no price. */
function promptRate(
  row: SiliconRow,
  constants: EngineConstants,
  options: EvaluationOptions,
): Pick<TwoStations, "promptsPerNs" | "promptNs"> | undefined {
  const side = row.prefill;
  if (side === undefined) return undefined;
  const test = sideCase(row, side, side.batch * side.data);
  if ("excluded" in test) return undefined;
  const cost = siliconCost(test, { operators: options.operators ?? engineOperators, constants });
  if (!cost.ok) return undefined;
  const { leastShare, promptTokens } = siliconBenchmark(row);
  const tokens = ((1 + leastShare) / 2) * promptTokens;
  const promptNs = (perRank: number): number => {
    const prefills = perRank * test.cut.data;
    return cost.value.iterationNs({
      ...emptyBatch(),
      prefills,
      prefillTokens: prefills * tokens,
      prefillSquares: prefills * tokens * tokens,
    });
  };
  const full = Math.max(side.batch, Math.floor(BATCHED_TOKENS / tokens), 1);
  return { promptsPerNs: (side.workers * full * test.cut.data) / promptNs(full), promptNs: promptNs(1) };
}
