/**
 * Search for a latency target: configurations a second, the whole command's work on DeepSeek-V3 over three fleets and four hours, how far the closed forms
 * are from the simulation, and the regret to simulating every fleet of a reduced space.
 */

import { HeddleError } from "../src/base/heddle-error.ts";
import { knownArchitecture } from "../src/graph/architecture/known/known-architecture.ts";
import { DEPLOYMENT_DEFAULTS } from "../src/plan/deployment/deployment-defaults.ts";
import { enumerateDesigns } from "../src/plan/slo/enumerate-designs.ts";
import { type FleetPlan, fleetPlan } from "../src/plan/slo/fleet-plan.ts";
import { planDeployment } from "../src/plan/slo/plan-deployment.ts";
import { planForSlo, type SloSearch } from "../src/plan/slo/plan-for-slo.ts";
import type { SloProblem } from "../src/plan/slo/slo-problem.ts";
import { steadyState } from "../src/plan/slo/steady/design-capacity.ts";
import { type SimulatedPlan, verifyPlans } from "../src/plan/slo/verify-plans.ts";
import { profileWorkload } from "../src/plan/slo/workload-profile.ts";
import { deviceSheet } from "../src/rack/catalog/catalog.ts";
import { designPricer } from "../src/simulate/deployment/design-pricer.ts";
import { pricePool } from "../src/simulate/deployment/price-pool.ts";
import { requestSizes } from "../src/simulate/deployment/request-sizes.ts";
import { simulatePlan } from "../src/simulate/deployment/simulate-plan.ts";
import type { RequestColumns } from "../src/simulate/serving/serving-input.ts";
import { generateColumns } from "../src/simulate/workload/generate/generate-columns.ts";
import type { Bench, BenchReport, Figure } from "./bench.ts";

const MODEL = "DeepSeek-V3";
const FLEETS: SloProblem["fleets"] = [
  { name: "h200", devices: [{ device: "h200-sxm", count: 128, dollarsPerHour: 3.5 }] },
  { name: "h100", devices: [{ device: "h100-sxm", count: 256, dollarsPerHour: 2.5 }] },
  { name: "b200", devices: [{ device: "b200", count: 64, dollarsPerHour: 6 }] },
];
const HOURS_4 = "poisson:rate=8,prompt=lognormal:4000:1,output=lognormal:600:1,seconds=14400,seed=1";
const QUARTER_HOUR = "poisson:rate=8,prompt=lognormal:4000:1,output=lognormal:600:1,seconds=900,seed=2";
/** Target of the whole command. Units: ms. */
const COMMAND_MS_MAX = 60_000;
const REGRET_MAX = 0.03;
const CONFIGURATIONS_MIN = 1000;
const TARGETS = [
  { ttftNs: 5e9, tpotNs: 5e7, percentile: 0.9 },
  { ttftNs: 1e9, tpotNs: 3e7, percentile: 0.9 },
];

export const bench: Bench = { name: "plan-slo", run: runBench };

interface World {
  readonly problem: SloProblem;
  readonly requests: RequestColumns;
  readonly simulate: (plan: FleetPlan) => SimulatedPlan;
}

function world(workload: string, changes: Partial<SloProblem> = {}, tensor: readonly number[] = [1, 2, 4, 8, 16, 32]): World {
  const architecture = knownArchitecture(MODEL)!;
  const sheets = new Map(FLEETS.flatMap(({ devices }) => devices.map(({ device }) => [device, deviceSheet(device)] as const)));
  const requests = generateColumns(workload);
  const problem: SloProblem = {
    model: MODEL,
    target: TARGETS[0]!,
    workload: profileWorkload(requestSizes(requests)),
    fleets: FLEETS,
    price: designPricer(architecture, sheets),
    factors: {},
    routing: "least-loaded",
    choices: {
      precisions: [{ weights: "f8e4m3", kv: "bf16" }],
      tensor,
      pipeline: [1, 2],
      data: [1, 2, 4, 8, 16, 32],
      experts: true,
      maxBatchedTokens: [2048, 8192, 16_384],
      devicesMax: 32,
      engine: { ...DEPLOYMENT_DEFAULTS.engine, maxSequences: 512 },
      split: false,
    },
    ...changes,
  };
  const simulate = (plan: FleetPlan): SimulatedPlan => {
    const deployment = planDeployment(problem, plan);
    const pools = deployment.pools.map((pool, index) => {
      const priced = pricePool(pool, index, { architecture, sheet: sheets.get(pool.device)! });
      if (!priced.ok) throw new HeddleError("internal", { where: pool.name, detail: priced.error.code });
      return priced.value;
    });
    return simulatePlan({ deployment, architecture, pools, requests, target: problem.target, seed: 1, errorQuantile: 0.5 });
  };
  return { problem, requests, simulate };
}

function searched(problem: SloProblem): SloSearch {
  const found = planForSlo(problem);
  if (!found.ok) throw new HeddleError("internal", { where: found.error.code, detail: found.error.detail });
  return found.value;
}

async function runBench({ note }: { readonly note: (text: string) => void }): Promise<BenchReport> {
  note("configurations a second");
  const speed = speeds();
  note("four hours on three fleets");
  const whole = await wholeCommand();
  note("regret on a reduced space: every fleet simulated");
  const regrets: Figure[] = [];
  for (const [index, target] of TARGETS.entries()) regrets.push(await regret(index, target, note));
  return {
    setup: [`${MODEL}, h200 x 128, h100 x 256, b200 x 64; ${HOURS_4}`, `reduced: tensor 8, pipeline 1; ${QUARTER_HOUR}`],
    figures: [...speed, ...whole, ...regrets],
  };
}

/** A configuration is a design at a rate: what stands in a row of a tuner's table. Its cost model is made in the time. */
function speeds(): Figure[] {
  const { problem } = world(QUARTER_HOUR);
  const start = performance.now();
  const startCpu = process.cpuUsage();
  const { buildable } = enumerateDesigns(problem);
  let configurations = 0;
  for (const { design, replica } of buildable) {
    for (let replicas = 1; replicas <= 8; replicas++) {
      steadyState(problem, replica, design, problem.workload.peakRate / replicas);
      configurations++;
    }
  }
  const seconds = (performance.now() - start) / 1000;
  const cpuS = cpuSeconds(startCpu);
  const again = performance.now();
  const { designs } = searched(problem);
  const searchMs = performance.now() - again;
  return [
    {
      name: "configurations a second, cost models made within",
      value: configurations / seconds,
      unit: "1/s",
      floor: { min: CONFIGURATIONS_MIN },
    },
    { name: "the same for a second of CPU", value: configurations / cpuS, unit: "1/s", floor: { min: CONFIGURATIONS_MIN } },
    { name: "designs whose largest rate is found a second", value: designs / (searchMs / 1000), unit: "1/s" },
  ];
}

/** What this process has used since. Units: s. */
function cpuSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}

async function wholeCommand(): Promise<Figure[]> {
  const start = performance.now();
  const startCpu = process.cpuUsage();
  const { problem, simulate } = world(HOURS_4);
  const search = searched(problem);
  const searchMs = performance.now() - start;
  const { chosen, tried, untried } = await verifyPlans(problem, search.plans, {
    simulationsMax: 40,
    simulate: async (plan) => simulate(plan),
    shouldStop: () => performance.now() - start > 45_000,
  });
  const ms = performance.now() - start;
  const cpuS = cpuSeconds(startCpu);
  const errors = tried.map(({ plan, simulated }) => plan.tpotNs / simulated.tpotNs - 1).filter(Number.isFinite);
  return [
    { name: "search by closed forms", value: searchMs / 1000, unit: "s" },
    { name: "search and simulations", value: ms / 1000, unit: "s", floor: { max: COMMAND_MS_MAX / 1000 } },
    { name: "CPU of search and simulations", value: cpuS, unit: "s" },
    { name: "requests of the workload", value: problem.workload.requests, unit: "" },
    { name: "fleets simulated", value: tried.length, unit: "" },
    { name: "families left", value: untried, unit: "" },
    { name: "price of the fleet found", value: chosen?.plan.dollarsPerHour ?? NaN, unit: "$/h" },
    {
      name: "requests that keep the target",
      value: chosen?.simulated.attained ?? NaN,
      unit: "ratio",
      floor: { min: problem.target.percentile },
    },
    { name: "closed forms' TPOT against the simulation, largest error", value: Math.max(...errors.map(Math.abs)), unit: "ratio" },
  ];
}

/** Every design of the reduced space in every number that is cheaper than what was found. */
async function regret(index: number, target: SloProblem["target"], note: (text: string) => void): Promise<Figure> {
  const reduced = world(QUARTER_HOUR, { target }, [8]);
  const choices = { ...reduced.problem.choices, pipeline: [1], data: [1, 2, 4], maxBatchedTokens: [8192] };
  const problem = { ...reduced.problem, choices };
  const { plans, capacities } = searched(problem);
  const { chosen } = await verifyPlans(problem, plans, { simulationsMax: 60, simulate: async (plan) => reduced.simulate(plan) });
  if (chosen === undefined)
    return { name: `regret, target ${index + 1}`, value: Number.POSITIVE_INFINITY, unit: "ratio", floor: { max: REGRET_MAX } };
  let least = chosen.plan.dollarsPerHour;
  let simulated = 0;
  for (const capacity of capacities) {
    const fleet = problem.fleets.find(({ devices }) => devices[0]!.device === capacity.design.device)!;
    for (let replicas = 1; replicas * capacity.replica.devices <= fleet.devices[0]!.count; replicas++) {
      const plan = fleetPlan(problem, fleet, [{ capacity, replicas }]);
      if (plan.dollarsPerHour >= least) break;
      // Half of what the closed forms say a fleet can carry is far outside their error.
      if (plan.rate < problem.workload.peakRate / 2) continue;
      simulated++;
      if (reduced.simulate(plan).met) least = plan.dollarsPerHour;
    }
  }
  note(`target ${index + 1}: $${chosen.plan.dollarsPerHour} found, $${least} by ${simulated} simulations of cheaper fleets`);
  return {
    name: `regret to simulating every fleet, target ${index + 1}`,
    value: chosen.plan.dollarsPerHour / least - 1,
    unit: "ratio",
    floor: { max: REGRET_MAX },
  };
}
