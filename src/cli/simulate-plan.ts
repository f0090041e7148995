import { setImmediate } from "node:timers/promises";
import { HeddleError } from "../base/heddle-error.ts";
import { type PricedStepCost, stepCostFrom } from "../cost/step-cost-from.ts";
import { planCosts } from "../execute/fleet-host/plan-costs.ts";
import { ensembleMetrics, ensembleRuns } from "../simulate/ensemble.ts";
import { createBasisWatcher } from "../simulate/metrics/basis-watcher.ts";
import { planRunInput } from "../simulate/plan-run.ts";
import { type SimulatedRun, simulatedRun } from "../simulate/simulated-run.ts";
import { isPoisson } from "../simulate/workload/poisson.ts";
import { generateWorkload, readWorkload } from "../simulate/workload/read-workload.ts";
import type { Workload } from "../simulate/workload/workload.ts";
import { printResult } from "./output.ts";
import { openPlan, type PlanInput } from "./plan-input.ts";
import { parseBytesFile } from "./read-file.ts";
import { withShareProgress } from "./share-progress.ts";
import { type SimulationReport, simulationText } from "./simulation-report.ts";

/** What `heddle simulate` of a plan takes. */
export interface SimulatePlanOptions {
  readonly workload: string;
  readonly rack?: string;
  readonly runs: number;
  readonly seed: number;
  readonly json?: boolean;
}

/** `heddle simulate` of a plan file. Errors: those of reading plan, rack, model and workload; `workload-invalid`; `interrupted`. */
export async function simulatePlan(path: string, options: SimulatePlanOptions): Promise<void> {
  const workload = isPoisson(options.workload) ? generateWorkload(options.workload) : parseBytesFile(options.workload, readWorkload);
  if (workload.requests.some(({ after }) => after !== undefined)) {
    throw new HeddleError("workload-invalid", {
      where: options.workload,
      detail: "requests wait for others; plans are simulated with arrivals alone",
    });
  }
  if (workload.requests.some(({ images }) => images !== undefined)) {
    throw new HeddleError("workload-invalid", {
      where: options.workload,
      detail: "requests have images; plans are simulated with text alone",
    });
  }
  const input = openPlan(path, options.rack);
  const costs = pricedCosts(input);
  const report = await withShareProgress("simulating", ({ signal, onProgress }) =>
    simulateRuns({ ...input, costs, workload }, { ...options, signal, onProgress }),
  );
  printResult(options.json === true, report, () => simulationText(report));
}

/** Cost model of each replica. Errors: `plan-invalid` naming the device that cannot be priced. */
function pricedCosts({ plan, model, rack }: PlanInput): PricedStepCost[] {
  return planCosts(plan, model, rack).map((input) => {
    const cost = stepCostFrom(input);
    if (cost.ok) return cost.value;
    throw new HeddleError("plan-invalid", { where: cost.error.device, detail: `the rack has no calibration of its ${cost.error.missing}` });
  });
}

interface SimulateRuns {
  readonly runs: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress: (share: number, text: string) => void;
}

async function simulateRuns(
  input: PlanInput & { readonly costs: readonly PricedStepCost[]; readonly workload: Workload },
  { runs: count, seed, signal, onProgress }: SimulateRuns,
): Promise<SimulationReport> {
  const { plan, costs, rack, workload } = input;
  const runInput = planRunInput(plan, { costs, rack, workload, seed });
  const basis = createBasisWatcher(costs);
  checkRun(simulatedRun({ ...runInput, watchers: [basis.watcher] }));
  const runs: SimulatedRun[] = [];
  for (const run of ensembleRuns(runInput, { runs: count, seed })) {
    runs.push(checkRun(run));
    onProgress(runs.length / count, `${runs.length} of ${count} runs`);
    // Lets a signal be heard.
    await setImmediate();
    if (signal.aborted) throw new HeddleError("interrupted", { detail: `after ${runs.length} of ${count} runs` });
  }
  return {
    plan: { model: plan.model.name, replicas: plan.replicas.length },
    workload: { source: workload.source, requests: workload.requests.length },
    measuredAt: "engine",
    runs: count,
    seed,
    basis: basis.basis(),
    sources: [...new Set(costs.flatMap((cost) => cost.sources))],
    requests: runs[0]!.metrics.requests,
    metrics: ensembleMetrics(runs.map((run) => run.metrics)),
  };
}

/** Errors: `internal` where an engine broke a promise. */
function checkRun(run: SimulatedRun): SimulatedRun {
  if (run.failure !== undefined) throw new HeddleError("internal", { where: "simulation", detail: run.failure });
  return run;
}
