import { setImmediate } from "node:timers/promises";
import type { Command } from "commander";
import { HeddleError } from "../base/heddle-error.ts";
import { type PricedStepCost, stepCostFrom } from "../cost/step-cost-from.ts";
import { planCosts } from "../execute/fleet-host/plan-costs.ts";
import { ensembleMetrics, ensembleRuns } from "../simulate/ensemble.ts";
import { createBasisWatcher } from "../simulate/metrics/basis-watcher.ts";
import { planRunInput } from "../simulate/plan-run.ts";
import { type SimulatedRun, simulatedRun } from "../simulate/simulated-run.ts";
import { GENERATED_FORMS } from "../simulate/workload/generate/generate-columns.ts";
import { isPoisson } from "../simulate/workload/poisson.ts";
import { generateWorkload, readWorkload } from "../simulate/workload/read-workload.ts";
import type { Workload } from "../simulate/workload/workload.ts";
import { objectiveOption, scaleOption } from "./deployment/run-options.ts";
import { type SimulateDeploymentOptions, simulateDeployment } from "./deployment/simulate-deployment.ts";
import { printResult } from "./output.ts";
import { openPlan, type PlanInput, readBytesFile, readTextFile } from "./plan-input.ts";
import { wholeNumber } from "./serving-options.ts";
import { withShareProgress } from "./share-progress.ts";
import { type SimulationReport, simulationText } from "./simulation-report.ts";

interface SimulateOptions extends SimulateDeploymentOptions {
  readonly rack?: string;
}

/** Options that only a deployment takes. */
const OF_DEPLOYMENTS = ["slo", "scale", "lengths", "tokenizer", "timeline", "html"] as const;

const DEFAULT_RUNS = 20;
const RUNS_MAX = 10_000;
const SEED_MAX = 4_294_967_295;

const HELP = `
What is simulated is a deployment (YAML or JSON: model, pools of devices, engine settings; examples/deployments) or a plan file of \`heddle plan\`.

A workload is a file (told apart by its content: heddle, Mooncake, Qwen-Bailian or AIPerf JSONL, request logs, Azure or BurstGPT CSV, vLLM benchmark
results, OpenTelemetry spans, ShareGPT with --tokenizer) or is generated; lengths are 500, 50-600 or lognormal:mean:cv:
${Object.values(GENERATED_FORMS)
  .map((form) => `  ${form}`)
  .join("\n")}
Pools may grow and shrink with their load (scaling: least, everyNs, orderAbove, drainBelow; startUpNs) and lose replicas (outages: meanUpNs, repairNs,
resubmitNs; drawn by --seed); cost then counts the time for which replicas are ordered. See docs/what-if.md.
A plan takes files and poisson:, and runs the engines and policies that serve.

Examples:
  heddle simulate examples/deployments/llama-8b-l40s.yaml --workload poisson:rate=4,prompt=200-2000,output=50-400,seconds=120
  heddle simulate fleet.yaml --workload trace.jsonl --scale rate=2 --slo ttft=500ms,tpot=40ms
  heddle simulate examples/deployments/llama-8b-autoscaled.yaml --workload diurnal:rate=6,peak=1.9,period=3600,prompt=200-2000,output=50-400,seconds=3600
  heddle simulate plan.json --workload trace.jsonl --runs 50 --json`;

/** Adds `heddle simulate`. */
export function addSimulateCommand(program: Command): void {
  program
    .command("simulate")
    .description("Run a deployment or a plan under a virtual clock and print latencies, throughput, cost and use of memory and devices.")
    .argument("<file>", "deployment file or plan file")
    .requiredOption("--workload <workload>", "file, or a generated one such as poisson:rate=2,prompt=50-600,output=20-120,seconds=60")
    .option("--slo <limits>", "limits that requests must keep, such as ttft=500ms,tpot=40ms[,e2e=20s][,share=0.9]", objectiveOption)
    .option("--scale <factors>", "the workload at another rate and other lengths, such as rate=2,length=1.5", scaleOption)
    .option("--lengths <file>", "workload file whose pairs of lengths a generated workload draws")
    .option("--tokenizer <file>", "tokenizer.json that counts the tokens of workload files of texts")
    .option("--html <file>", "write the report as a page with charts")
    .option("--timeline <file>", "write the run without errors for Perfetto or Chrome's trace viewer")
    .option("--runs <n>", "runs the bars are taken over", wholeNumber(1, RUNS_MAX), DEFAULT_RUNS)
    .option("--seed <n>", "seed of the errors and losses drawn", wholeNumber(0, SEED_MAX), 1)
    .option("--rack <file>", "rack file the plan was made for")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(simulate);
}

async function simulate(path: string, options: SimulateOptions): Promise<void> {
  if (!isPlan(readTextFile(path))) {
    if (options.rack !== undefined)
      throw new HeddleError("usage", { where: "--rack", detail: "goes with a plan; a deployment names its devices" });
    return simulateDeployment(path, options);
  }
  for (const option of OF_DEPLOYMENTS) {
    if (options[option] !== undefined)
      throw new HeddleError("usage", { where: `--${option}`, detail: "goes with a deployment; this is a plan" });
  }
  await simulatePlan(path, options);
}

/** Whether a file is a plan: JSON with the field that every plan has and no deployment knows. */
function isPlan(text: string): boolean {
  return text.trimStart().startsWith("{") && text.includes('"rackFingerprint"');
}

async function simulatePlan(path: string, options: SimulateOptions): Promise<void> {
  const workload = isPoisson(options.workload) ? generateWorkload(options.workload) : readWorkload(readBytesFile(options.workload));
  if (workload.requests.some(({ after }) => after !== undefined)) {
    throw new HeddleError("workload-invalid", {
      where: options.workload,
      detail: "requests wait for others; plans are simulated with arrivals alone",
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
