import { assert } from "../../base/assert.ts";
import { mean, quantile } from "../../base/statistics.ts";
import type { AccuracyRow } from "../../cost/accuracy/accuracy-row.ts";
import type { PhysicsConstants } from "../../cost/operator/physics/physics-constants.ts";
import { physicsModel } from "../../cost/operator/physics/physics-model.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { deploymentRuns } from "../deployment/deployment-ensemble.ts";
import { pricePool } from "../deployment/price-pool.ts";
import { requestTimes } from "../deployment/run-figures.ts";
import type { RecordedServing } from "./recorded-serving.ts";

export interface SheetRunOptions {
  readonly dataSet: string;
  readonly architecture: SequenceModel;
  readonly sheet: DeviceSheet;
  /** Constants of a family, and how a row says whose: those of the device's own family were fitted on operators of such devices, never on runs. */
  readonly constants: PhysicsConstants;
  readonly label: string;
  /** Runs that the intervals of the mean and the p99 are taken over. */
  readonly runs: number;
}

const LOW = 0.05;
const HIGH = 0.95;

/**
 * How well a recorded run is met from the device's data sheet, constants of a family of devices and the engine's settings, as `heddle simulate` meets
 * it. Means and p99 also say whether they lie in the interval that was printed with them.
 */
export function sheetRunAccuracy(recorded: RecordedServing, options: SheetRunOptions): AccuracyRow[] {
  const { engine, requests } = recorded;
  const { deployment } = readDeployment(
    JSON.stringify({
      version: 1,
      model: engine.model,
      pools: [
        {
          device: options.sheet.id,
          engine: {
            kvBlocks: engine.kvBlocks,
            blockTokens: engine.blockTokens,
            maxSequences: engine.maxSequences,
            maxBatchedTokens: engine.maxBatchedTokens,
            prefixCaching: engine.prefixCaching,
            chunkedPrefill: engine.chunkedPrefill,
          },
        },
      ],
    }),
  );
  const priced = pricePool(deployment.pools[0]!, 0, {
    architecture: options.architecture,
    sheet: options.sheet,
    operators: physicsModel(options.sheet, options.constants),
  });
  assert(priced.ok, "a recorded run is of a model and a device that have prices", priced.ok ? "" : priced.error.code);
  const run = { deployment, architecture: options.architecture, pools: [priced.value], requests };
  const measured = requestTimes(requests, recorded);
  const outcomes = [...deploymentRuns(run, { runs: options.runs, seed: 1 })].map(({ outcome, firstToken }) =>
    requestTimes(requests, outcome, firstToken),
  );
  const base = {
    dataSet: options.dataSet,
    protocol: "data sheet, constants and engine settings in; nothing of the run fitted",
    device: engine.device,
    engine: engine.version,
  };
  return (["ttftNs", "tpotNs", "e2eNs"] as const).flatMap((part) => {
    const name = part.slice(0, -2);
    const truth = there(measured[part]);
    const predictions = outcomes.map((times) => there(times[part]));
    const single = truth.map((value, i) => predictions[0]![i]! / value - 1);
    const statistics = [
      [`${name} mean, ${options.label}`, mean] as const,
      [`${name} p99, ${options.label}`, (values: readonly number[]) => quantile(values, 0.99)] as const,
    ];
    return [
      { ...base, family: `${name} of a request, ${options.label}`, ...errors(single), excluded: {} },
      ...statistics.map(([family, statistic]) => {
        const runs = predictions.map((values) => statistic(values));
        const value = statistic(truth);
        const [low, high] = [quantile(runs, LOW), quantile(runs, HIGH)];
        const inside = value >= low && value <= high;
        return {
          ...base,
          family,
          ...errors([runs[0]! / value - 1]),
          excluded: {},
          coverage: inside ? 1 : 0,
          medianHalfWidth: (high - low) / 2 / runs[0]!,
        };
      }),
    ];
  });
}

function errors(signed: readonly number[]): Pick<AccuracyRow, "points" | "meanError" | "medianError" | "p90" | "signedMean"> {
  const absolute = signed.map(Math.abs);
  return {
    points: signed.length,
    meanError: mean(absolute),
    medianError: quantile(absolute, 0.5),
    p90: quantile(absolute, 0.9),
    signedMean: mean(signed),
  };
}

function there(values: Float64Array): number[] {
  return [...values.filter((value) => value >= 0)];
}
