import { must } from "../base/assert.ts";
import { ln } from "../base/math.ts";
import type { Ratio } from "../base/units.ts";
import { correctedNs } from "../cost/correction.ts";
import { besideFactor } from "../cost/correction-beside.ts";
import { deviationOf, widened } from "../cost/run-spread.ts";
import { type ProbedStep, readSpeed, type SpeedReading } from "../cost/speed-now.ts";
import { type FollowedSpeed, speedAfterProbe } from "../cost/speed-posterior.ts";
import type { PricedStepCost, StepCostInput } from "../cost/step-cost-from.ts";
import type { ObservedRun } from "../execute/calibrate/calibration-store.ts";
import { besideSlowdown } from "../execute/calibrate/prepare-plan.ts";
import type { Plan } from "../plan/plan.ts";
import type { Rack } from "../rack/rack.ts";
import type { RackSpeed } from "./verification.ts";

/** What the cost models of a plan's replicas are made from, by id. */
interface CostInputs {
  readonly plan: Plan;
  readonly rack: Rack;
  readonly costs: readonly StepCostInput[];
}

/** What a run right after a probe is simulated with. */
export interface SpeedNow {
  /** The cost models, with the spread of a run whose speed was just looked at. */
  readonly costs: readonly PricedStepCost[];
  /** Factor on all step times of each replica. */
  readonly factors: readonly Ratio[];
  readonly speed: RackSpeed;
}

/**
 * Follows a probe: replicas of one machine go slower and faster together, so the steps of all are one reading, and each replica weighs it against its own
 * earlier runs.
 */
export function speedNow(input: CostInputs, calibrated: readonly PricedStepCost[], probe: readonly ObservedRun[]): SpeedNow {
  const reading = readProbe(input, probe);
  if (reading === undefined) return { costs: calibrated, factors: calibrated.map(() => 1), speed: { probeWeight: 0 } };
  const followed = calibrated.map((cost, replica) => followOf(must(input.costs[replica], "an input for each cost"), cost, reading));
  return {
    costs: calibrated.map((cost, replica) => ({ ...cost, spread: { ...cost.spread, ...followed[replica]!.spread } })),
    factors: followed.map(({ factor }) => factor),
    speed: { before: reading, probeWeight: followed[0]?.probeWeight ?? 0 },
  };
}

/** A calibration without live runs may be of any day, so the probe decides; what the tables are unsure of stays in the interval. */
function followOf({ correction }: StepCostInput, { spread }: PricedStepCost, reading: SpeedReading): FollowedSpeed {
  const shown = ln(reading.timeRatio);
  if (correction !== undefined) return speedAfterProbe(correction.seen, shown);
  const followed = speedAfterProbe([], shown);
  const own = deviationOf(spread);
  return { ...followed, spread: widened(followed.spread, own * own) };
}

/** How long steps of a probe took over what the cost models say; `undefined` where there were none. */
export function readProbe({ plan, rack, costs }: CostInputs, probe: readonly ObservedRun[]): SpeedReading | undefined {
  const steps = probe.flatMap(({ stages }, replica) => {
    const { correction } = must(costs[replica], "an input for each replica");
    const slowdown = correction?.besideSlowdown ?? besideSlowdown(rack, must(plan.replicas[replica], "a replica of the plan").stages);
    return stages.map((stage): ProbedStep => {
      const { predictedDecodeNs: decode, predictedPrefillNs: prefill, measuredNs } = stage;
      const alone = correction === undefined ? decode + prefill : correctedNs(correction, stage);
      const kind = prefill === 0 ? "decode" : decode === 0 ? "prefill" : "mixed";
      return { kind, predictedNs: alone * besideFactor(stage, slowdown), measuredNs };
    });
  });
  return readSpeed(steps);
}
