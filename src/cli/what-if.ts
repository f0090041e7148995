import { dirname } from "node:path";
import { HeddleError } from "../base/heddle-error.ts";
import type { MeasuredAt } from "../cost/iteration/engines/front-time.ts";
import { namingFile } from "../execute/naming-file.ts";
import type { Change } from "../plan/deployment/change.ts";
import { changeDeployment } from "../plan/deployment/change-deployment.ts";
import type { DeploymentRun } from "../simulate/deployment/deployment-run.ts";
import { measuredAtOf } from "../simulate/deployment/front-times.ts";
import type { Objective } from "../simulate/deployment/objective.ts";
import type { PricedPool } from "../simulate/deployment/price-pool.ts";
import { type FleetFile, isFleetText, readFleetFile } from "../simulate/imported/fleet-file.ts";
import { withImageTokens } from "../simulate/workload/columns/image-columns.ts";
import { changeRequests } from "./deployment/change-requests.ts";
import { priceDeployment, readDeploymentFile, sheetIn } from "./deployment/open-deployment.ts";
import { openWorkload } from "./deployment/open-workload.ts";
import type { OperatorSource } from "./deployment/operator-source.ts";
import { runEnsemble } from "./deployment/run-ensemble.ts";
import { whatIfReport } from "./deployment/what-if-report.ts";
import { whatIfText } from "./deployment/what-if-text.ts";
import { printResult } from "./output.ts";
import { readTextFile } from "./read-file.ts";

interface WhatIfOptions {
  readonly change: readonly Change[];
  readonly workload?: string;
  readonly adapters?: string;
  readonly images?: string;
  readonly slo?: Objective;
  readonly runs: number;
  readonly seed: number;
  readonly operators?: OperatorSource;
  readonly measureAt?: MeasuredAt;
  readonly json?: boolean;
}

export async function whatIf(path: string, options: WhatIfOptions): Promise<void> {
  const fleet = openFleet(path, options);
  const { runs, seed, slo } = options;
  const folder = dirname(path);
  const source = options.operators === undefined ? {} : { operators: options.operators };
  const ofWorkload = options.change.filter((change) => change.path.startsWith("workload."));
  const changed = changeDeployment(
    fleet.deployment,
    options.change.filter((change) => !ofWorkload.includes(change)),
    { filled: fleet.defaults.map(({ field }) => field), find: (device) => fleet.devices[device] ?? sheetIn(folder)(device) },
  );
  const load = changeRequests(fleet.workload.requests, ofWorkload);
  refuseOtherClock(fleet, options.measureAt);
  const priced = priceDeployment(fleet.deployment, folder, { ...fleet, ...source });
  const before: DeploymentRun = {
    deployment: fleet.deployment,
    ...priced,
    requests: withImageTokens(fleet.workload.requests, priced.architecture),
  };
  // Another model is not the one whose configuration stands in the file.
  const changedParts =
    changed.deployment.model === fleet.deployment.model ? { ...fleet, ...source } : { devices: fleet.devices, ...source };
  const repriced = priceDeployment(changed.deployment, folder, changedParts);
  const after: DeploymentRun = {
    deployment: changed.deployment,
    ...repriced,
    requests: withImageTokens(load.requests, repriced.architecture),
  };
  const known = new Set(before.pools.flatMap(sheetIds));
  const apart = new Set(after.pools.flatMap(sheetIds).filter((id) => !known.has(id)));
  const both = [...before.deployment.pools, ...after.deployment.pools];
  const measuredAt = measuredAtOf(both, options.measureAt ?? (fleet.measured?.clock === "engine" ? "engine" : undefined));
  const ensemble = { runs, seed, measuredAt, ...(slo === undefined ? {} : { objective: slo }) };
  const was = await runEnsemble(before, ensemble);
  const is = await runEnsemble(after, { ...ensemble, apart });
  const report = whatIfReport({
    source: fleet.source,
    changes: options.change,
    notes: [...changed.notes, ...load.notes],
    defaults: fleet.defaults,
    changedDefaults: changed.defaults,
    workload: fleet.workload.source,
    seed,
    measured: fleet.measured,
    measuredAt,
    before: { run: before, figures: was.figures },
    after: { run: after, figures: is.figures },
  });
  printResult(options.json === true, report, () => whatIfText(report));
}

/** What was measured is compared with times taken in the same place. Errors: `usage`. */
function refuseOtherClock({ measured, source }: FleetFile, asked: MeasuredAt | undefined): void {
  if (measured === undefined || asked === undefined || measured.clock === asked) return;
  throw new HeddleError("usage", {
    where: `--measure-at ${asked}`,
    detail: `the ${measured.clock} measured ${source}; leave the option out`,
  });
}

/** A fleet file, or a deployment with a workload. Errors: `usage` where the workload is missing or given twice. */
function openFleet(path: string, { workload, adapters, images }: Pick<WhatIfOptions, "workload" | "adapters" | "images">): FleetFile {
  const text = readTextFile(path);
  if (isFleetText(text)) {
    if (workload !== undefined)
      throw new HeddleError("usage", { where: "--workload", detail: "the fleet file has its own; scale it with --change workload.rate=2" });
    if (adapters !== undefined)
      throw new HeddleError("usage", {
        where: "--adapters",
        detail: "the fleet file says which requests have adapters; --change workload.adapters=count=200 says what if others had",
      });
    if (images !== undefined)
      throw new HeddleError("usage", {
        where: "--images",
        detail: "the fleet file says which requests have images; --change workload.images=count=1-4 says what if others had",
      });
    return namingFile(path, () => readFleetFile(text));
  }
  if (workload === undefined)
    throw new HeddleError("usage", { where: "--workload", detail: "a deployment file says nothing of the load: give a workload" });
  const { deployment, defaults } = readDeploymentFile(path);
  const drawn = { ...(adapters === undefined ? {} : { adapters }), ...(images === undefined ? {} : { images }) };
  return { source: path, deployment, defaults, devices: {}, workload: openWorkload(workload, drawn) };
}

/** Devices of a pool: those of its FFN side, too. */
function sheetIds({ sheet, ffn }: PricedPool): readonly string[] {
  return ffn === undefined ? [sheet.id] : [sheet.id, ffn.sheet.id];
}
