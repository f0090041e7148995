import type { MeasuredAt } from "../../cost/iteration/engines/front-time.ts";
import { writeWhole } from "../../execute/discover/rack-cache.ts";
import type { DeploymentRun } from "../../simulate/deployment/deployment-run.ts";
import { measuredAtOf } from "../../simulate/deployment/front-times.ts";
import type { Objective } from "../../simulate/deployment/objective.ts";
import { withImageTokens } from "../../simulate/workload/columns/image-columns.ts";
import type { WorkloadScale } from "../../simulate/workload/columns/scale-columns.ts";
import { printResult } from "../output.ts";
import { deploymentReport } from "./deployment-report.ts";
import { deploymentText } from "./deployment-text.ts";
import { openDeployment } from "./open-deployment.ts";
import { openWorkload } from "./open-workload.ts";
import type { OperatorSource } from "./operator-source.ts";
import { runEnsemble } from "./run-ensemble.ts";

export interface SimulateDeploymentOptions {
  readonly workload: string;
  readonly runs: number;
  readonly seed: number;
  readonly slo?: Objective;
  readonly scale?: WorkloadScale;
  readonly lengths?: string;
  readonly tokenizer?: string;
  readonly adapters?: string;
  readonly images?: string;
  readonly timeline?: string;
  readonly html?: string;
  readonly operators?: OperatorSource;
  readonly measureAt?: MeasuredAt;
  readonly json?: boolean;
}

/** `heddle simulate` of a deployment file. */
export async function simulateDeployment(path: string, options: SimulateDeploymentOptions): Promise<void> {
  const { deployment, defaults, architecture, pools } = openDeployment(
    path,
    options.operators === undefined ? {} : { operators: options.operators },
  );
  const workload = openWorkload(options.workload, options);
  const run: DeploymentRun = { deployment, architecture, pools, requests: withImageTokens(workload.requests, architecture) };
  const { slo: objective, runs, seed } = options;
  const measuredAt = measuredAtOf(deployment.pools, options.measureAt);
  const { first, figures } = await runEnsemble(run, { runs, seed, measuredAt, ...(objective === undefined ? {} : { objective }) });
  const report = deploymentReport({ run, defaults, workload, objective, seed, measuredAt, figures });
  if (options.timeline !== undefined) {
    const { writeChromeTrace } = await import("../../trace/write-chrome-trace.ts");
    const { servingTimeline } = await import("./serving-timeline.ts");
    writeWhole(options.timeline, writeChromeTrace(servingTimeline(run, first.outcome)));
  }
  if (options.html !== undefined) {
    const { reportPage } = await import("./report-page.ts");
    writeWhole(options.html, reportPage(report, run, first));
  }
  printResult(options.json === true, report, () => deploymentText(report));
}
