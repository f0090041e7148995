import { quantile } from "../../base/statistics.ts";
import type { MeasuredAt } from "../../cost/iteration/engines/front-time.ts";
import { runFactor } from "../../cost/run-spread.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import type { Deployment } from "../../plan/deployment/deployment.ts";
import type { SloTarget } from "../../plan/slo/slo-problem.ts";
import type { SimulatedPlan } from "../../plan/slo/verify-plans.ts";
import { runServing } from "../serving/run-serving.ts";
import type { RequestColumns } from "../serving/serving-input.ts";
import { servingInputOf } from "./deployment-run.ts";
import { firstTokenFactor } from "./first-token-spread.ts";
import { frontTimes } from "./front-times.ts";
import type { PricedPool } from "./price-pool.ts";

export interface SimulatePlanInput {
  readonly deployment: Deployment;
  readonly architecture: SequenceModel;
  readonly pools: readonly PricedPool[];
  readonly requests: RequestColumns;
  readonly target: SloTarget;
  readonly seed: number;
  /** The quantile of the prices' systematic error, and of that of first tokens, that is taken: 0.5 as priced, more is slower. */
  readonly errorQuantile: number;
  /** Where times to first token are taken; absent: at the engine. Front ends err with the prices. */
  readonly measuredAt?: MeasuredAt;
}

/** Stands for a time of what did not happen: later than any run lasts. Units: ns. */
const NEVER_NS = Number.MAX_SAFE_INTEGER;

/** A plan on the requests themselves: kept where the wanted share of all requests, those refused included, keeps both limits. */
export function simulatePlan(input: SimulatePlanInput): SimulatedPlan {
  const { pools, requests, target, seed, errorQuantile, measuredAt } = input;
  const poolFactors = pools.map(({ cost }) => runFactor({ systematic: cost.spread }, errorQuantile));
  const firstToken = firstTokenFactor(input, errorQuantile);
  const outcome = runServing(servingInputOf(input, { seed, poolFactors }));
  const frontNs = measuredAt === "client" ? frontTimes(input, outcome, { errorQuantile }) : undefined;
  const ttft = new Float64Array(requests.count);
  const tpot = new Float64Array(requests.count);
  let kept = 0;
  let cached = 0;
  let prompts = 0;
  for (let i = 0; i < requests.count; i++) {
    const first = outcome.firstTokenNs[i]!;
    const last = outcome.lastTokenNs[i]!;
    const further = requests.outputTokens[i]! - 1;
    ttft[i] = first < 0 ? NEVER_NS : (first - outcome.queuedNs[i]!) * firstToken + (frontNs?.[i] ?? 0);
    tpot[i] = last < 0 ? NEVER_NS : further === 0 ? 0 : (last - first) / further;
    cached += Math.max(0, outcome.cachedTokens[i]!);
    prompts += requests.promptTokens[i]!;
    if (ttft[i]! <= target.ttftNs && tpot[i]! <= target.tpotNs) kept++;
  }
  const attained = kept / requests.count;
  return {
    ttftNs: quantile(ttft, target.percentile),
    tpotNs: quantile(tpot, target.percentile),
    attained,
    cachedShare: cached / prompts,
    ...(outcome.images && { imagesFoundShare: outcome.images.found / (outcome.images.found + outcome.images.encoded) }),
    met: attained >= target.percentile,
  };
}
