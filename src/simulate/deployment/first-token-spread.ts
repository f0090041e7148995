import { exp, ln } from "../../base/math.ts";
import { mean, NORMAL_90, normalQuantile } from "../../base/statistics.ts";
import type { Ratio } from "../../base/units.ts";
import { hasExperts } from "../../cost/iteration/decoder-blocks.ts";
import { engineProperties } from "../../cost/iteration/engines/engine-of.ts";
import { iterationInterval, servedInterval, widerSide } from "../../cost/iteration/engines/served-interval.ts";
import { SERVED_INTERVALS } from "../../cost/iteration/engines/served-intervals.ts";
import type { ServedIntervals, ServedTime } from "../../cost/iteration/engines/served-properties.ts";
import { LONG_PROMPT } from "../../cost/iteration/engines/served-properties.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import type { RequestColumns } from "../serving/serving-input.ts";
import type { PricedPool } from "./price-pool.ts";

export interface FirstTokenRun {
  readonly architecture: SequenceModel;
  readonly pools: readonly Pick<PricedPool, "pool" | "sheet">[];
  readonly requests: Pick<RequestColumns, "promptTokens">;
}

/**
 * Factor on first tokens below which a run stays with probability `share`, beyond what slower or quicker iterations do to them; 1 at one half.
 *
 * Model: front ends, queues and settings make TTFT less certain than TPOT. What an engine's TTFT was off by more than its TPOT, on models, devices and
 * engines that were held out, is laid on top of the run's iterations, at the same quantile. Of several pools that take prompts the least certain counts.
 * heddle's own engine has none: its host times are measured on the host.
 */
export function firstTokenFactor(
  { architecture, pools, requests }: FirstTokenRun,
  share: Ratio,
  tables: Readonly<Record<ServedTime, ServedIntervals>> = SERVED_INTERVALS,
): Ratio {
  const deviations = normalQuantile(share) / NORMAL_90;
  const mixture = hasExperts(architecture);
  const longPrompts = mean(Float64Array.from(requests.promptTokens)) >= LONG_PROMPT;
  let further = 0;
  for (const { pool, sheet } of pools) {
    if (pool.role === "decode" || pool.engine.name === "heddle") continue;
    const of = { ...engineProperties(pool.engine.name, sheet, mixture), longPrompts };
    const { low, high } = servedInterval("ttft", of, tables);
    const ofIterations = ln(1 + widerSide(iterationInterval(of, tables)));
    further = Math.max(further, (deviations < 0 ? -low : high) - ofIterations);
  }
  return exp(deviations * further);
}
