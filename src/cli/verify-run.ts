import { setImmediate } from "node:timers/promises";
import { must } from "../base/assert.ts";
import { HeddleError } from "../base/heddle-error.ts";
import { quantile } from "../base/statistics.ts";
import type { Ratio } from "../base/units.ts";
import { type PricedStepCost, type StepCostInput, stepCostFrom } from "../cost/step-cost-from.ts";
import { type ObservedRun, recordRun } from "../execute/calibrate/calibration-store.ts";
import { identityOf } from "../execute/calibrate/prepare-plan.ts";
import { ensembleRuns } from "../simulate/ensemble.ts";
import type { RequestRecord } from "../simulate/metrics/request-record.ts";
import { planRunInput } from "../simulate/plan-run.ts";
import type { RunInput } from "../simulate/run/run-input.ts";
import { simulatedRun } from "../simulate/simulated-run.ts";
import { poissonRequests } from "../simulate/workload/poisson.ts";
import type { Workload } from "../simulate/workload/workload.ts";
import { startLiveSession } from "./live-session.ts";
import type { PlanInput } from "./plan-input.ts";
import { readProbe, speedNow } from "./speed-now.ts";
import type { Verification } from "./verification.ts";
import { compareRecords } from "./verify-report.ts";

/** Requests of the verification: prompts and outputs as different as a chat's. */
const PROMPT = { least: 50, most: 600 };
const OUTPUT = { least: 20, most: 120 };
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
 * Runs one arrival list simulated and live, the simulation first, and compares what clients would see and saw. A probe just before says how fast the machine
 * is now; the simulation and the rate of the arrivals follow it.
 *
 * Errors: those of the fleet; `interrupted` by the signal.
 */
export async function verifyPlan(input: VerifyInput, options: VerifyOptions): Promise<Verification> {
  if (options.signal.aborted) throw new HeddleError("interrupted");
  const { load, seed, runs, seconds, signal, onProgress } = options;
  const calibrated = pricedCosts(input.costs);
  onProgress?.(0, "starting hosts");
  const session = await startLiveSession(input, { seed, signal, costs: calibrated });
  try {
    onProgress?.(0, "probing the machine's speed");
    const probe = await session.probe();
    const { costs, factors, speed } = speedNow(input, calibrated, probe);
    const capacity = predictedCapacity(input, costs, factors);
    const rate = capacity * load;
    const requests = poissonRequests({ rate, prompt: PROMPT, output: OUTPUT, seconds, seed });
    if (requests.length === 0)
      throw new HeddleError("usage", {
        where: "--seconds",
        detail: `no request arrives in ${seconds} s at ${rate.toPrecision(3)} a second`,
      });
    const workload = { source: `${requests.length} requests at ${rate.toPrecision(3)} a second`, requests };
    const simulated = await simulateEnsemble(input, { costs, factors, workload, options });
    const live = await session.run(requests, (ended) =>
      onProgress?.(ended / requests.length, `${ended} of ${requests.length} requests ended`),
    );
    const after = readProbe(input, await session.probe());
    const records = live.records.filter(isFinished);
    const endedAtMs = Date.now();
    return {
      load,
      seed,
      capacity,
      requests: requests.length,
      finished: records.length,
      runs,
      sources: [...new Set(costs.flatMap((cost) => cost.sources))],
      speed: { ...speed, ...(after === undefined ? {} : { after }) },
      comparison: compareRecords(simulated, records),
      observed: live.observed.map((observed, replica) => ({ ...observed, endedAtMs, probe: probe[replica]!.stages })),
    };
  } finally {
    await session.close();
  }
}

/** Keeps what a live run showed for later predictions of the same stages. Errors: `file-unwritable`. */
export async function learnFrom({ plan, model, rack }: PlanInput, observed: readonly ObservedRun[]): Promise<void> {
  for (const [replica, run] of observed.entries()) {
    if (run.stages.length === 0) continue;
    const { stages } = must(plan.replicas[replica], "a replica of the plan");
    const identities = stages.map((stage) => identityOf({ model, rack }, stage));
    await recordRun(identities, run);
  }
}

/** Requests per second of a plan that always has enough to do, simulated: from the first to the third quarter of their ends. */
export function predictedCapacity({ plan, rack }: PlanInput, costs: readonly PricedStepCost[], factors: readonly Ratio[] = []): number {
  const count = Math.max(4, Math.min(SATURATING, plan.policy.queueLimit));
  const drawn = poissonRequests({ rate: count, prompt: PROMPT, output: OUTPUT, seconds: 4, seed: 1 }).slice(0, count);
  const workload: Workload = { source: "saturating", requests: drawn.map((request) => ({ ...request, atNs: 0 })) };
  const { records } = simulatedRun(atSpeed(planRunInput(plan, { costs, rack, workload, seed: 1 }), factors));
  const ends = records.map((record) => record.lastTokenAt ?? 0);
  const [from, to] = [quantile(ends, 0.25), quantile(ends, 0.75)];
  return (ends.length / 2 / Math.max(1, to - from)) * 1e9;
}

/** A run whose devices take `factors` times as long as the cost models say, by replica; engines decide by the cost models, as they do live. */
function atSpeed(run: RunInput, factors: readonly Ratio[]): RunInput {
  return { ...run, replicas: run.replicas.map((replica, id) => ({ ...replica, stepFactor: replica.stepFactor * (factors[id] ?? 1) })) };
}

interface RunParts {
  readonly costs: readonly PricedStepCost[];
  readonly factors: readonly Ratio[];
  readonly workload: Workload;
  readonly options: VerifyOptions;
}

async function simulateEnsemble(
  { plan, rack }: VerifyInput,
  { costs, factors, workload, options }: RunParts,
): Promise<readonly (readonly RequestRecord[])[]> {
  const runInput = atSpeed(planRunInput(plan, { costs, rack, workload, seed: options.seed }), factors);
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

function isFinished({ end }: RequestRecord): boolean {
  return end === "stop" || end === "length";
}
