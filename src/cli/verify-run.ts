import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { must } from "../base/assert.ts";
import { HeddleError } from "../base/heddle-error.ts";
import { quantile } from "../base/statistics.ts";
import type { Ratio } from "../base/units.ts";
import { type PricedStepCost, type StepCostInput, stepCostFrom } from "../cost/step-cost-from.ts";
import { type ObservedRun, recordRun } from "../execute/calibrate/calibration-store.ts";
import { liveTrial } from "../execute/calibrate/live-trial.ts";
import { observeRun } from "../execute/calibrate/observe-run.ts";
import { identityOf } from "../execute/calibrate/prepare-plan.ts";
import { startLiveFleet } from "../execute/fleet-host/live-fleet.ts";
import { ensembleRuns } from "../simulate/ensemble.ts";
import type { RequestRecord } from "../simulate/metrics/request-record.ts";
import { planRunInput } from "../simulate/plan-run.ts";
import { simulatedRun } from "../simulate/simulated-run.ts";
import { poissonRequests } from "../simulate/workload/poisson.ts";
import type { Workload } from "../simulate/workload/workload.ts";
import type { PlanInput } from "./plan-input.ts";
import { liveRecords, readTrialLedgers, type TrialLedgers } from "./trial-ledgers.ts";
import type { Verification } from "./verification.ts";
import { compareRecords } from "./verify-report.ts";

/** Requests of the verification: prompts and outputs as different as a chat's. */
const PROMPT = { least: 50, most: 600 };
const OUTPUT = { least: 20, most: 120 };
/** Requests each replica gets before the run: the first iterations of a process are slower than all that follow. */
const WARM_UP = [
  { atNs: 0, promptTokens: 300, outputTokens: 12 },
  { atNs: 0, promptTokens: 100, outputTokens: 12 },
];
/** Requests that arrive at once to find out what a plan can take, fewer where its queue is shorter. */
const SATURATING = 48;

export interface VerifyInput extends PlanInput {
  /** What the cost model of each replica is made from, by id. */
  readonly costs: readonly StepCostInput[];
}

export interface VerifyOptions {
  /** Arrivals as a share of the predicted capacity. */
  readonly load: Ratio;
  readonly seconds: number;
  readonly seed: number;
  /** Simulated runs the bars are taken over. */
  readonly runs: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (share: number, text: string) => void;
}

/** The cost models of a plan. Errors: `plan-invalid` naming the device that cannot be priced. */
export function pricedCosts(inputs: readonly StepCostInput[]): readonly PricedStepCost[] {
  return inputs.map((input) => {
    const cost = stepCostFrom(input);
    if (cost.ok) return cost.value;
    throw new HeddleError("plan-invalid", { where: cost.error.device, detail: `the rack has no calibration of its ${cost.error.missing}` });
  });
}

/**
 * Runs one arrival list simulated and live, the simulation first, and compares what clients would see and saw.
 *
 * Errors: those of the fleet; `interrupted` by the signal.
 */
export async function verifyPlan(input: VerifyInput, options: VerifyOptions): Promise<Verification> {
  if (options.signal.aborted) throw new HeddleError("interrupted");
  const costs = pricedCosts(input.costs);
  const capacity = predictedCapacity(input, costs);
  const rate = capacity * options.load;
  const requests = poissonRequests({ rate, prompt: PROMPT, output: OUTPUT, seconds: options.seconds, seed: options.seed });
  if (requests.length === 0)
    throw new HeddleError("usage", {
      where: "--seconds",
      detail: `no request arrives in ${options.seconds} s at ${rate.toPrecision(3)} a second`,
    });
  const workload = { source: `${requests.length} requests at ${rate.toPrecision(3)} a second`, requests };
  const simulated = await simulateEnsemble(input, { costs, workload, options });
  const live = await liveRun(input, { costs, workload, options });
  return {
    load: options.load,
    seed: options.seed,
    capacity,
    requests: requests.length,
    finished: live.records.filter(isFinished).length,
    runs: options.runs,
    sources: [...new Set(costs.flatMap((cost) => cost.sources))],
    comparison: compareRecords(simulated, live.records.filter(isFinished)),
    observed: live.observed,
  };
}

/** Keeps what a live run showed for later predictions of the same stages. Errors: `file-unwritable`. */
export function learnFrom({ plan, model, rack }: PlanInput, observed: readonly ObservedRun[]): void {
  observed.forEach((run, replica) => {
    const { stages } = must(plan.replicas[replica], "a replica of the plan");
    if (run.stages.length > 0)
      recordRun(
        stages.map((stage) => identityOf({ model, rack }, stage)),
        run,
      );
  });
}

/** Requests per second of a plan that always has enough to do, simulated: from the first to the third quarter of their ends. */
export function predictedCapacity({ plan, rack }: PlanInput, costs: readonly PricedStepCost[]): number {
  const count = Math.max(4, Math.min(SATURATING, plan.policy.queueLimit));
  const drawn = poissonRequests({ rate: count, prompt: PROMPT, output: OUTPUT, seconds: 4, seed: 1 }).slice(0, count);
  const workload: Workload = { source: "saturating", requests: drawn.map((request) => ({ ...request, atNs: 0 })) };
  const { records } = simulatedRun(planRunInput(plan, { costs, rack, workload, seed: 1 }));
  const ends = records.map((record) => record.lastTokenAt ?? 0);
  const [from, to] = [quantile(ends, 0.25), quantile(ends, 0.75)];
  return (ends.length / 2 / Math.max(1, to - from)) * 1e9;
}

interface RunParts {
  readonly costs: readonly PricedStepCost[];
  readonly workload: Workload;
  readonly options: VerifyOptions;
}

async function simulateEnsemble(
  { plan, rack }: VerifyInput,
  { costs, workload, options }: RunParts,
): Promise<readonly (readonly RequestRecord[])[]> {
  const runInput = planRunInput(plan, { costs, rack, workload, seed: options.seed });
  const runs: (readonly RequestRecord[])[] = [];
  for (const run of ensembleRuns(runInput, { runs: options.runs, seed: options.seed })) {
    if (run.failure !== undefined) throw new HeddleError("internal", { where: "simulation", detail: run.failure });
    runs.push(run.records.filter(isFinished));
    options.onProgress?.(0, `simulated ${runs.length} of ${options.runs} runs`);
    // Lets a signal be heard.
    await setImmediate();
    if (options.signal.aborted) throw new HeddleError("interrupted");
  }
  return runs;
}

interface LiveRun {
  readonly records: readonly RequestRecord[];
  readonly observed: readonly ObservedRun[];
}

async function liveRun(input: VerifyInput, { costs, workload, options }: RunParts): Promise<LiveRun> {
  const { plan, model } = input;
  const folder = mkdtempSync(join(tmpdir(), "heddle-verify-"));
  const fleet = startLiveFleet({ plan, costs: input.costs, ledger: { folder, tokens: "dropped" } });
  const { signal, seed, onProgress } = options;
  const warmUp = plan.replicas.flatMap(() => WARM_UP);
  try {
    onProgress?.(0.02, "starting hosts");
    await fleet.up();
    await liveTrial(fleet, warmUp, { vocabulary: model.spec.vocabulary, seed: seed + 1, signal });
    await liveTrial(fleet, workload.requests, {
      vocabulary: model.spec.vocabulary,
      seed,
      signal,
      onProgress: (ended) => onProgress?.(ended / workload.requests.length, `${ended} of ${workload.requests.length} requests ended`),
    });
  } catch (thrown) {
    throw signal.aborted ? new HeddleError("interrupted") : thrown;
  } finally {
    await fleet.close();
  }
  try {
    const ledgers = readTrialLedgers(folder);
    const records = liveRecords(must(ledgers.fleet, "a live run leaves the fleet's ledger"));
    // The fleet numbers requests as they come: the first ones warmed it up.
    return { records: records.filter(({ request }) => request >= warmUp.length), observed: observedBy(costs, ledgers) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the hosts of each replica showed, their lives put together. */
function observedBy(costs: readonly PricedStepCost[], { replicas }: TrialLedgers): readonly ObservedRun[] {
  return costs.map((cost, replica) => {
    const lives = replicas.filter((life) => life.replica === replica).map(({ ledger }) => observeRun(ledger, cost));
    return { stages: lives.flatMap((life) => life.stages), overheads: lives.flatMap((life) => life.overheads) };
  });
}

function isFinished({ end }: RequestRecord): boolean {
  return end === "stop" || end === "length";
}
