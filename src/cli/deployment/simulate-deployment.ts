import type { DeploymentRun } from "../../simulate/deployment/deployment-run.ts";
import type { Objective } from "../../simulate/deployment/objective.ts";
import type { WorkloadScale } from "../../simulate/workload/columns/scale-columns.ts";
import { printResult } from "../output.ts";
import { deploymentReport } from "./deployment-report.ts";
import { deploymentText } from "./deployment-text.ts";
import { openDeployment } from "./open-deployment.ts";
import { openWorkload } from "./open-workload.ts";
import { runEnsemble } from "./run-ensemble.ts";

export interface SimulateDeploymentOptions {
  readonly workload: string;
  readonly runs: number;
  readonly seed: number;
  readonly slo?: Objective;
  readonly scale?: WorkloadScale;
  readonly lengths?: string;
  readonly tokenizer?: string;
  readonly json?: boolean;
}

/** `heddle simulate` of a deployment file. */
export async function simulateDeployment(path: string, options: SimulateDeploymentOptions): Promise<void> {
  const { deployment, defaults, architecture, pools } = openDeployment(path);
  const workload = openWorkload(options.workload, options);
  const run: DeploymentRun = { deployment, architecture, pools, requests: workload.requests };
  const { slo: objective, runs, seed } = options;
  const { figures } = await runEnsemble(run, { runs, seed, ...(objective === undefined ? {} : { objective }) });
  const report = deploymentReport({ run, defaults, workload, objective, seed, figures });
  printResult(options.json === true, report, () => deploymentText(report));
}
