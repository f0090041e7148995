import { must } from "../base/assert.ts";
import { type Nanoseconds, NS_PER_MS, NS_PER_S } from "../base/units.ts";
import type { StepCost } from "../cost/step-cost.ts";
import { fleetConfigOf, replicaConfigOf, sessionTimingOf } from "../fleet/plan-config.ts";
import type { Plan } from "../plan/plan.ts";
import { chunkedPrefill } from "../policy/policies/chunked-prefill.ts";
import { pricedRouting } from "../policy/policies/priced-routing.ts";
import type { Rack } from "../rack/rack.ts";
import type { PromptKeys } from "../state/block.ts";
import type { DeviceSharing } from "./run/device-rates.ts";
import { quietNetwork } from "./run/network.ts";
import type { RunInput, VirtualReplica, VirtualRequest } from "./run/run-input.ts";
import { createPrefixKeys } from "./workload/prefix-keys.ts";
import type { Workload } from "./workload/workload.ts";

export interface PlanRunOptions {
  /** Cost model of each replica, by id. */
  readonly costs: readonly StepCost[];
  readonly rack: Rack;
  readonly workload: Workload;
  readonly seed: number;
}

/** Latency between front end and hosts where the rack has no link between processes. Source: loop-back pipe of one machine, order of magnitude. */
const HOST_LATENCY_NS: Nanoseconds = 100_000;
/** The hosts are up this long before the first arrival. */
const LEAD_NS = 10 * NS_PER_MS;
/** After its last arrival a run may take this many times as long again, and at least an hour, before it is given up. */
const PATIENCE = 100;
const PATIENCE_MIN_NS = 3_600 * NS_PER_S;

/** The run of a plan under a workload: the engines, policies and timing of the live fleet, its devices modelled, no faults. */
export function planRunInput(plan: Plan, options: PlanRunOptions): RunInput {
  const { costs, rack, workload, seed } = options;
  const lastNs = workload.requests.at(-1)?.atNs ?? 0;
  return {
    fleet: fleetConfigOf(plan),
    replicas: plan.replicas.map(
      ({ id, stages }): VirtualReplica => ({
        config: replicaConfigOf(plan, id),
        cost: must(costs[id], "a cost model for each replica"),
        devices: stages.map((stage) => stage.device),
        startUpNs: 0,
        stepFactor: 1,
        stepNoise: { noise: 0 },
      }),
    ),
    timing: sessionTimingOf(plan.policy),
    routing: pricedRouting,
    batching: chunkedPrefill,
    requests: virtualRequests(workload, plan.policy.prefixCache),
    network: quietNetwork(hostLatencyNs(rack)),
    faults: [],
    sharing: sharingOf(plan, { rack, costs }),
    seed,
    deadlineNs: lastNs + Math.max(PATIENCE_MIN_NS, PATIENCE * lastNs),
    settleNs: 0,
  };
}

const NO_KEYS: PromptKeys = { keys: [], parts: [] };

/** The clients of a workload: each generates its output length and ends there. */
export function virtualRequests(workload: Workload, prefixCache: boolean): VirtualRequest[] {
  const keys = createPrefixKeys(workload);
  return workload.requests.map(({ atNs, promptTokens, outputTokens }, index) => ({
    atNs: atNs + LEAD_NS,
    promptTokens,
    maxNewTokens: outputTokens,
    ...(prefixCache ? keys.keysOf(index) : NO_KEYS),
    priority: 0,
  }));
}

function hostLatencyNs(rack: Rack): Nanoseconds {
  const links = rack.links.filter((link) => link.via === "process").map((link) => link.latencyNs);
  return links.length === 0 ? HOST_LATENCY_NS : Math.round(links.reduce((least, ns) => Math.min(least, ns), Infinity));
}

/** Devices share the cores and the memory the rack says; what that costs a replica's devices is what live runs of it showed, else what the rack says. */
function sharingOf(plan: Plan, { rack, costs }: Pick<PlanRunOptions, "rack" | "costs">): ReadonlyMap<string, DeviceSharing> {
  const learned = new Map(
    plan.replicas.flatMap(({ id, stages }) => stages.map(({ device }) => [device, costs[id]?.besideSlowdown] as const)),
  );
  return new Map(
    rack.devices.map(({ id, cores, memory, calibration }) => [
      id,
      {
        cores: cores.map((core) => `${memory}/${core}`),
        memory,
        concurrentSlowdown: learned.get(id) ?? calibration?.concurrentSlowdown ?? 1,
      },
    ]),
  );
}
