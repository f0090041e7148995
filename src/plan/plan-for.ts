import { must } from "../base/assert.ts";
import { err, ok, type Result } from "../base/result.ts";
import { toEstimate } from "../cost/priced.ts";
import { type PricedStepCost, stepCostFrom } from "../cost/step-cost-from.ts";
import { DEFAULT_MAX_SEQUENCES, DEFAULT_POLICY } from "./default-policy.ts";
import { usableDevices } from "./device-classes.ts";
import { type DraftContext, draftContext, pageBytes } from "./draft-context.ts";
import { kvBudgets } from "./fleet-kv.ts";
import type { KvBudget } from "./kv-budget.ts";
import { noPlan } from "./no-plan.ts";
import { checkPins } from "./pins.ts";
import type { Plan, ReplicaPlan, StagePlan } from "./plan.ts";
import { planReasons, stageReason } from "./plan-reasons.ts";
import type { PlanError, PlanRequest } from "./plan-request.ts";
import { DECODE_CONTEXT, decodeShape, promptCost } from "./predict.ts";
import type { ReplicaDraft } from "./replica-draft.ts";
import { type FleetDraft, searchFleets } from "./search.ts";
import { costedModel } from "./stage-prices.ts";
import { planWhole } from "./whole-model-plan.ts";

/**
 * Plans a model on a rack: contiguous stages on devices, one or several replicas, formats per phase, KV pages; with predictions and reasons.
 *
 * Model: all layouts the search reaches are priced by the cost model and ranked by `scoreFleet`; the first one that fits wins.
 * Errors: `pin-impossible` names what would be possible; `plan-no-capacity` the bytes; `no-basis` what was never measured.
 */
export function planFor(request: PlanRequest): Result<Plan, PlanError> {
  const whole = planWhole(request);
  if (whole !== undefined) return whole;
  const { usable, leftOut } = usableDevices(request.rack);
  if (usable.length === 0) return err({ code: "no-basis", detail: `no device of the rack has a calibration: ${leftOut.join(" ")}` });
  const impossible = checkPins(request, usable);
  if (impossible !== undefined) return err(impossible);
  const context = draftContext(request);
  const fleets = searchFleets(context, usable);
  for (const [rank, fleet] of fleets.entries()) {
    const kv = kvBudgets(context, fleet);
    if (kv === undefined) continue;
    return ok(assemble({ context, fleet, kv, others: fleets.slice(rank + 1), leftOut }));
  }
  return err(noPlan(context));
}

interface Assembly {
  readonly context: DraftContext;
  readonly fleet: FleetDraft;
  readonly kv: readonly KvBudget[];
  readonly others: readonly FleetDraft[];
  readonly leftOut: readonly string[];
}

function assemble({ context, fleet, kv, others, leftOut }: Assembly): Plan {
  const { request } = context;
  const best = must(fleet.replicas[fleet.score.best], "the best replica");
  const cost = correctedCost(context, best);
  const chunk = Math.min(...fleet.replicas.map((replica) => replica.prediction.chunk));
  const source = cost.sources.join("; ");
  const { name, fingerprint, path } = request.model;
  return {
    version: 1,
    model: { name, fingerprint, path },
    rackFingerprint: request.rack.fingerprint,
    replicas: fleet.replicas.map((draft, id) => replicaPlan(context, draft, { id, kv: must(kv[id], "pages for each replica"), others })),
    policy: { ...DEFAULT_POLICY, maxChunkTokens: chunk, ...request.options?.policy },
    predicted: {
      ttft512: toEstimate(promptCost(cost, chunk), source),
      tpot: cost.stepEstimate(decodeShape(1, DECODE_CONTEXT)),
      tokensPerSecond8: fleet.score.tokensPerSecond8,
    },
    reasons: planReasons({ context, fleet, others, leftOut, kv }),
  };
}

function replicaPlan(
  context: DraftContext,
  draft: ReplicaDraft,
  { id, kv, others }: { readonly id: number; readonly kv: KvBudget; readonly others: readonly FleetDraft[] },
): ReplicaPlan {
  const cost = correctedCost(context, draft);
  const chunk = draft.prediction.chunk;
  const stages = draft.stages.map(
    (stage, index): StagePlan => ({
      ...stage,
      decodeStep: cost.stageEstimate(index, decodeShape(1, DECODE_CONTEXT)),
      prefill512: toEstimate(
        promptCost({ step: (shape) => cost.stage(index, shape) }, chunk),
        must(cost.sources[index], "a source for each stage"),
      ),
      why: stageReason(draft, index, others),
    }),
  );
  const maxSequences = Math.min(context.request.options?.maxSequences ?? DEFAULT_MAX_SEQUENCES, kv.workingPages);
  return { id, stages, ...kv, pageBytes: pageBytes(context), maxSequences, contextLimit: context.contextLimit };
}

/** The cost of the chosen stages with what live runs taught about them. */
function correctedCost({ request }: DraftContext, draft: ReplicaDraft): PricedStepCost {
  const correction = request.correctionOf?.(draft.stages);
  if (correction === undefined) return draft.cost;
  const { model, rack, stageCalibrations } = request;
  const cost = stepCostFrom({
    ...costedModel(model),
    rack,
    stages: draft.stages,
    stageCalibrations,
    correction,
  });
  return cost.ok ? cost.value : draft.cost;
}
