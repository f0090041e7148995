import { setImmediate } from "node:timers/promises";
import type { Command } from "commander";
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
import { openPlan, type PlanInput, readBytesFile } from "./plan-input.ts";
import { wholeNumber } from "./serving-options.ts";
import { withShareProgress } from "./share-progress.ts";
import { type SimulationReport, simulationText } from "./simulation-report.ts";

interface SimulateOptions {
  readonly workload: string;
  readonly runs: number;
  readonly seed: number;
  readonly rack?: string;
  readonly json?: boolean;
}

const DEFAULT_RUNS = 20;
const RUNS_MAX = 10_000;
const SEED_MAX = 4_294_967_295;

const HELP = `
A workload is generated (poisson:...: arrivals per second, prompt and output lengths from-to, length in seconds, seed, prefix=groups x tokens) or a
file: heddle JSONL (at_ms, prompt_tokens, output_tokens; hash_ids with hash_block_tokens, or prefix_group with prefix_tokens), a Mooncake trace
(JSONL) or an Azure LLM trace (CSV). The engines and policies are those that serve. The bars hold 90 % of the runs, between which the errors of the
cost model are drawn anew.

Examples:
  heddle simulate plan.json --workload poisson:rate=2,prompt=50-600,output=20-120,seconds=60,seed=1
  heddle simulate plan.json --workload trace.jsonl --runs 50 --json`;

/** Adds `heddle simulate`. */
export function addSimulateCommand(program: Command): void {
  program
    .command("simulate")
    .description("Run a plan under a virtual clock and print latencies, throughput and use of memory and devices.")
    .argument("<plan>", "plan file")
    .requiredOption("--workload <workload>", "file, or poisson:rate=2,prompt=50-600,output=20-120,seconds=60,seed=1[,prefix=4x256]")
    .option("--runs <n>", "runs the bars are taken over", wholeNumber(1, RUNS_MAX), DEFAULT_RUNS)
    .option("--seed <n>", "seed of the errors drawn", wholeNumber(0, SEED_MAX), 1)
    .option("--rack <file>", "rack file the plan was made for")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(simulate);
}

async function simulate(path: string, options: SimulateOptions): Promise<void> {
  const workload = isPoisson(options.workload) ? generateWorkload(options.workload) : readWorkload(readBytesFile(options.workload));
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
