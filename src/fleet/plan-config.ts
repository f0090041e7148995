import { must } from "../base/assert.ts";
import { NS_PER_MS, NS_PER_S } from "../base/units.ts";
import { mixesPhases } from "../cost/stage-format.ts";
import type { FleetConfig } from "../engine/fleet-state.ts";
import type { ReplicaConfig } from "../engine/replica-state.ts";
import type { Plan, PolicyParameters } from "../plan/plan.ts";
import type { SessionTiming } from "./session.ts";

/** Requests sent to a replica beyond its lanes: enough that a lane that ends is filled without a message to the fleet and back. */
const LOOK_AHEAD = 2;
const RESTART_DELAY_NS = 200 * NS_PER_MS;
const RESTART_WINDOW_NS = 60 * NS_PER_S;
/** Losses inside the window: the delays double, so the last restart waits 12.8 s. */
const RESTARTS_MAX = 6;
const ATTEMPTS_MAX = 8;
const REPORT_INTERVAL_NS = 100 * NS_PER_MS;
/** Frames between processes of one host take well below a millisecond; a busy event loop is what delays them. */
const ACK_DELAY_NS = 50 * NS_PER_MS;
const RETRANSMIT_NS = 500 * NS_PER_MS;
/** Loading a model of several GB from a slow disk takes a minute or two; a host that needs longer hangs. */
const START_NS = 300 * NS_PER_S;
/** Signs of life within one timeout: several may be lost before a host counts as lost. */
const HEARTBEATS_PER_TIMEOUT = 8;

/** What the fleet engine of a plan is made for; the same live and simulated. */
export function fleetConfigOf(plan: Plan): FleetConfig {
  return {
    replicas: plan.replicas.map(({ maxSequences, contextLimit, stages }) => ({ maxSequences, contextLimit, stages: stages.length })),
    policy: plan.policy,
    lookAhead: LOOK_AHEAD,
    restartDelayNs: RESTART_DELAY_NS,
    restartWindowNs: RESTART_WINDOW_NS,
    restartsMax: RESTARTS_MAX,
    attemptsMax: ATTEMPTS_MAX,
  };
}

/** What a replica engine of a plan is made for; the same live and simulated. */
export function replicaConfigOf(plan: Plan, replica: number): ReplicaConfig {
  const { stages, workingPages, sealedSlots, maxSequences, contextLimit } = must(plan.replicas[replica], "a replica of the plan");
  const { policy } = plan;
  const oneNumerics = stages.every(mixesPhases);
  return {
    stages: stages.length,
    workingPages,
    sealedSlots,
    maxSequences,
    contextLimit,
    sealDecoded: oneNumerics || policy.kvReuse === "any",
    policy,
    reportIntervalNs: REPORT_INTERVAL_NS,
  };
}

/** Session timing between processes of one machine. */
export function sessionTimingOf(policy: PolicyParameters): SessionTiming {
  return {
    ackDelayNs: ACK_DELAY_NS,
    retransmitNs: RETRANSMIT_NS,
    heartbeatNs: Math.round(policy.hostTimeoutNs / HEARTBEATS_PER_TIMEOUT),
    timeoutNs: policy.hostTimeoutNs,
    startNs: START_NS,
  };
}
