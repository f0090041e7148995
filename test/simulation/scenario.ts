import { mix32, type Prng, seededPrng } from "../../src/base/prng.ts";
import { NS_PER_MS, NS_PER_S } from "../../src/base/units.ts";
import { DEFAULT_POLICY } from "../../src/plan/default-policy.ts";
import type { PolicyParameters } from "../../src/plan/plan.ts";
import { chunkedPrefill } from "../../src/policy/policies/chunked-prefill.ts";
import { pricedRouting } from "../../src/policy/policies/priced-routing.ts";
import type { RunFault } from "../../src/simulate/run/fault.ts";
import type { RunInput, VirtualReplica, VirtualRequest } from "../../src/simulate/run/run-input.ts";
import { createPrefixKeys } from "../../src/simulate/workload/prefix-keys.ts";
import type { WorkloadRequest } from "../../src/simulate/workload/workload.ts";
import type { PromptKeys } from "../../src/state/block.ts";
import { linearCost, SMALL_MODEL } from "../support/linear-cost.ts";
import { hostilePolicy } from "./hostile-policy.ts";

/**
 * What a run suffers. Every phase has some of each disturbance, because a bug in handling lost hosts cannot show in a run without one; a phase is
 * named after the one it has most of.
 */
export interface Disturbances {
  readonly requests: number;
  readonly replicas: number;
  readonly stages: number;
  /** Requests that arrive in one burst, as a share of all. */
  readonly burst: number;
  readonly promptMost: number;
  readonly outputMost: number;
  /** Share of requests in one of two prefix groups. */
  readonly shared: number;
  readonly cancelled: number;
  readonly hostLosses: number;
  readonly taskFailures: number;
  readonly loss: number;
  /** Share of messages so late that a lost host's may meet its next life. */
  readonly delayed: number;
  readonly slowFactor: number;
  /** Working pages, as a multiple of what the longest request needs; a run draws between 1 and this. */
  readonly pages: number;
  /** A run draws between 2 and this, more often few. */
  readonly sealedSlots: number;
  /** Share of requests after which the front end drains; 1 is never. */
  readonly drainAfter: number;
  /** Batching by a policy that is wrong in every way. */
  readonly hostile: boolean;
}

const MILD: Disturbances = {
  requests: 16,
  replicas: 2,
  stages: 2,
  burst: 0.7,
  promptMost: 200,
  outputMost: 110,
  shared: 0.7,
  cancelled: 0.15,
  hostLosses: 1,
  taskFailures: 2,
  loss: 0.03,
  delayed: 0.06,
  slowFactor: 2,
  pages: 1.1,
  sealedSlots: 5,
  drainAfter: 1,
  hostile: false,
};

/** The phases, each with what it has more of than the others. */
export const PHASES = {
  steady: { ...MILD, burst: 0.5, requests: 18 },
  "prefill burst": { ...MILD, burst: 1, promptMost: 400 },
  "memory pressure": { ...MILD, pages: 1, sealedSlots: 3 },
  "host loss": { ...MILD, hostLosses: 4, requests: 20 },
  "lossy network": { ...MILD, loss: 0.2, delayed: 0.1 },
  "cancel storm": { ...MILD, cancelled: 0.6, requests: 24 },
  "slow device": { ...MILD, slowFactor: 12, replicas: 1 },
  drain: { ...MILD, drainAfter: 0.8, requests: 20 },
  "hostile policy": { ...MILD, hostile: true, requests: 12 },
} as const satisfies Record<string, Disturbances>;

export type Phase = keyof typeof PHASES;

const CONTEXT_LIMIT = 576;
const BLOCK = 64;
/** Two whole blocks and five parts of a third. */
const SHARED_TOKENS = 2 * BLOCK + 40;
const HORIZON_NS = 4 * NS_PER_S;

/** The run of a phase and seed. */
export function scenario(phase: Phase, seed: number): RunInput {
  const prng = seededPrng(mix32(seed) ^ mix32(phase.length * 7919 + phase.charCodeAt(0)));
  const disturbances = PHASES[phase];
  const pages = Math.ceil(((1 + prng.nextFloat() * (disturbances.pages - 1)) * CONTEXT_LIMIT) / BLOCK);
  const slots = 2 + Math.min(prng.nextBelow(disturbances.sealedSlots - 1), prng.nextBelow(disturbances.sealedSlots - 1));
  const replicas = Array.from({ length: disturbances.replicas }, (_, id) => replicaOf(id, disturbances, { pages, slots }));
  return {
    fleet: {
      replicas: replicas.map(({ config }) => ({ maxSequences: config.maxSequences, stages: config.stages })),
      policy: policyOf(disturbances),
      lookAhead: 2,
      restartDelayNs: 50 * NS_PER_MS,
      restartWindowNs: 60 * NS_PER_S,
      restartsMax: 8,
      attemptsMax: 8,
    },
    replicas,
    timing: { ackDelayNs: 5 * NS_PER_MS, retransmitNs: 40 * NS_PER_MS, heartbeatNs: 500 * NS_PER_MS, timeoutNs: 2 * NS_PER_S },
    routing: pricedRouting,
    batching: disturbances.hostile ? hostilePolicy : chunkedPrefill,
    requests: requestsOf(disturbances, prng),
    network: {
      latencyNs: 200_000,
      jitterNs: 3 * NS_PER_MS,
      loss: disturbances.loss,
      duplication: disturbances.loss,
      delayed: disturbances.delayed,
      delayNs: 400 * NS_PER_MS,
    },
    faults: faultsOf(disturbances, prng),
    seed,
    deadlineNs: 60 * NS_PER_S,
    settleNs: 5 * NS_PER_S,
  };
}

function policyOf({ requests }: Disturbances): PolicyParameters {
  return { ...DEFAULT_POLICY, maxChunkTokens: 128, queueLimit: Math.ceil(requests * 0.2) };
}

function replicaOf(id: number, disturbances: Disturbances, memory: { pages: number; slots: number }): VirtualReplica {
  const { stages } = disturbances;
  return {
    config: {
      stages,
      workingPages: memory.pages,
      sealedSlots: memory.slots,
      maxSequences: 10,
      contextLimit: CONTEXT_LIMIT,
      policy: policyOf(disturbances),
      reportIntervalNs: 20 * NS_PER_MS,
    },
    cost: linearCost({ ...SMALL_MODEL, launchNs: 2 * NS_PER_MS, prefillTokenNs: 100_000, stages }),
    // The second stages share one device.
    devices: Array.from({ length: stages }, (_, stage) => (stage === 0 ? `device ${id}` : "shared device")),
    startUpNs: 100 * NS_PER_MS,
    stepFactor: 1,
    stepNoise: { noise: 0.2 },
  };
}

function requestsOf(disturbances: Disturbances, prng: Prng): VirtualRequest[] {
  const rows: WorkloadRequest[] = [];
  const burstAt = prng.nextBelow(HORIZON_NS);
  for (let i = 0; i < disturbances.requests; i++) {
    const promptTokens = promptLength(disturbances, prng);
    const atNs = prng.nextFloat() < disturbances.burst ? burstAt + prng.nextBelow(50 * NS_PER_MS) : prng.nextBelow(HORIZON_NS);
    const shared = prng.nextFloat() < disturbances.shared;
    const prefix = { type: "group", group: String(prng.nextBelow(2)), tokens: Math.min(promptTokens, SHARED_TOKENS) } as const;
    // One in three generates over several blocks.
    const outputTokens = 1 + prng.nextBelow(disturbances.outputMost) * (prng.nextBelow(3) === 0 ? 3 : 1);
    const row = { atNs, promptTokens, outputTokens };
    rows.push(shared ? { ...row, shared: prefix } : row);
  }
  rows.sort((a, b) => a.atNs - b.atNs);
  const keys = createPrefixKeys({ source: "scenario", requests: rows });
  return rows.map((row, index) => clientOf(row, { prompt: keys.keysOf(index), cancelled: disturbances.cancelled }, prng));
}

/** Half of the prompts end at a block's edge, or a token before or after it: where mistakes by one show. */
function promptLength({ promptMost }: Disturbances, prng: Prng): number {
  const length = 1 + prng.nextBelow(promptMost);
  if (prng.nextBelow(2) === 0) return length;
  return Math.max(1, Math.ceil(length / BLOCK) * BLOCK + prng.nextBelow(3) - 1);
}

function clientOf(row: WorkloadRequest, given: { prompt: PromptKeys; cancelled: number }, prng: Prng): VirtualRequest {
  const { atNs, promptTokens, outputTokens } = row;
  // Half of the models' outputs end by a stop token, the others at the limit.
  const stops = prng.nextFloat() < 0.5;
  const ending = prng.nextFloat();
  return {
    atNs,
    promptTokens,
    maxNewTokens: stops ? outputTokens + 1 + prng.nextBelow(20) : outputTokens,
    ...given.prompt,
    priority: prng.nextBelow(5) === 0 ? 1 : 0,
    ...(stops ? { stopAfter: outputTokens } : {}),
    ...(ending < given.cancelled ? { cancelAtNs: atNs + prng.nextBelow(2 * NS_PER_S) } : {}),
    ...(ending > 0.9 ? { stopStringAt: prng.nextBelow(outputTokens) } : {}),
  };
}

function faultsOf(disturbances: Disturbances, prng: Prng): RunFault[] {
  const { replicas, hostLosses, taskFailures, slowFactor, drainAfter } = disturbances;
  const faults: RunFault[] = [];
  const at = (): number => 300 * NS_PER_MS + prng.nextBelow(HORIZON_NS);
  for (let i = 0; i < hostLosses; i++) {
    const noticed = prng.nextFloat() < 0.6;
    const loss = { type: "host-loss", atNs: at(), replica: prng.nextBelow(replicas) } as const;
    faults.push(noticed ? { ...loss, noticeNs: prng.nextBelow(20 * NS_PER_MS) } : loss);
  }
  for (let i = 0; i < taskFailures; i++) {
    faults.push({ type: "task-failure", atNs: at(), replica: prng.nextBelow(replicas), gathering: i % 2 === 0 });
  }
  const from = at();
  const device = prng.nextBelow(2) === 0 ? "shared device" : `device ${prng.nextBelow(replicas)}`;
  faults.push({ type: "slow-device", atNs: from, device, factor: slowFactor, untilNs: from + NS_PER_S });
  if (drainAfter < 1) faults.push({ type: "drain", atNs: Math.round(drainAfter * HORIZON_NS) });
  return faults;
}
