import { assert, must } from "../../base/assert.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import type { StepCostInput } from "../../cost/step-cost-from.ts";
import { stepCostFrom } from "../../cost/step-cost-from.ts";
import { createFleetEngine } from "../../engine/fleet-engine.ts";
import { createLedgerWriter } from "../../engine/ledger-writer.ts";
import { createFleetNode, type FleetNode } from "../../fleet/fleet-node.ts";
import type { FleetObserver } from "../../fleet/node-types.ts";
import { fleetConfigOf, sessionTimingOf } from "../../fleet/plan-config.ts";
import type { Plan } from "../../plan/plan.ts";
import { pricedRouting } from "../../policy/policies/priced-routing.ts";
import { BLOCK_TOKENS, type PromptKeys } from "../../state/block.ts";
import { promptKeys } from "../../state/block-key.ts";
import { version } from "../../version.ts";
import type { ObservedStep } from "../calibrate/watch-steps.ts";
import { type LedgerFile, openLedgerFile, warnOfLedger } from "../ledger-files/ledger-file.ts";
import type { LedgerPlace } from "../replica-host/host-protocol.ts";
import { numericsLabel } from "../replica-host/numerics-label.ts";
import { createWallClock } from "../wall-clock.ts";
import { type FleetLoop, startFleetLoop } from "./fleet-loop.ts";
import { followFleet, initialStatus, type ReplicaStatus } from "./fleet-status.ts";
import { createObservations } from "./observations.ts";
import { createRequestBook, type RequestBook } from "./request-book.ts";
import type { LiveRequest, TokenListener, TokenRequest } from "./token-request.ts";
import { notify, type Waiters, waitFor } from "./waiters.ts";

export interface LiveFleetOptions {
  readonly plan: Plan;
  /** What the cost model of each replica is made from, by id. */
  readonly costs: readonly StepCostInput[];
  /** Where ledgers go; none are written without it. */
  readonly ledger?: LedgerPlace;
}

/** A fleet under the wall clock: the fleet engine here, each replica in a process of its own. */
export interface LiveFleet {
  submit(request: TokenRequest, listener: TokenListener): LiveRequest;
  readonly status: readonly ReplicaStatus[];
  /** Requests that have not ended. */
  readonly live: number;
  /** Resolves when every replica is up. Errors: what keeps one from starting. */
  up(): Promise<void>;
  /** No further request is taken; resolves when none is left. */
  drain(): Promise<void>;
  /** What the hosts that are up did since this was last asked, by replica, on one clock; nothing of a host that does not answer. */
  observe(): Promise<readonly (readonly ObservedStep[])[]>;
  /** Ends the hosts and the ledger; requests that are left get no answer. */
  close(): Promise<void>;
  /** Process id of a replica's present host. */
  hostPid(replica: number): number | undefined;
}

/** Errors: `plan-invalid` where a replica cannot be priced; `file-unwritable` for the ledger. */
export function startLiveFleet(options: LiveFleetOptions): LiveFleet {
  const { plan } = options;
  const status = initialStatus(plan.replicas.length);
  const { node, ledger } = makeNode(options, status);
  const waiters: { readonly up: Waiters; readonly idle: Waiters } = { up: new Set(), idle: new Set() };
  const book = createRequestBook(() => notify(waiters.idle));
  const clock = createWallClock();
  const observations = createObservations(plan.replicas.length);
  const loop = startFleetLoop({ hosts: options, clock, node, book, status, observations, onChange: () => notify(waiters.up) });
  loop.handle({ type: "event", event: { type: "start" } });
  return {
    submit: submitter(plan, book, loop),
    status,
    get live() {
      return book.size;
    },
    up: () => waitFor(waiters.up, () => upOrThrow(status, loop.failures)),
    drain: async () => {
      loop.handle({ type: "event", event: { type: "drain" } });
      await waitFor(waiters.idle, () => book.size === 0);
    },
    observe: () => observations.ask((replica) => status[replica]?.state === "up" && loop.pool.observe(replica)),
    close: async () => {
      await loop.close();
      ledger?.close();
    },
    hostPid: loop.pool.pid,
  };
}

/** Takes requests in: each gets the next id, and its first event comes after `submit` has returned. */
function submitter(plan: Plan, book: RequestBook, loop: FleetLoop): LiveFleet["submit"] {
  const keysOf = keysFor(plan);
  let nextId = 0;
  return (request, listener) => {
    const id = nextId++;
    const { maxNewTokens, priority } = request;
    const promptTokens = request.tokens.length;
    const arrived = { type: "request-arrived", request: id, promptTokens, maxNewTokens, ...keysOf(request), priority } as const;
    book.add(id, request, listener);
    queueMicrotask(() => loop.handle({ type: "event", event: arrived }));
    return {
      id,
      cancel: () => queueMicrotask(() => loop.handle({ type: "event", event: { type: "request-cancelled", request: id } })),
      stop: (generated) => loop.handle({ type: "event", event: { type: "request-stopped", request: id, index: generated } }),
    };
  };
}

function makeNode(options: LiveFleetOptions, status: readonly ReplicaStatus[]): { node: FleetNode; ledger: LedgerFile | undefined } {
  const { plan } = options;
  const costs = options.costs.map((input) => {
    const cost = stepCostFrom(input);
    if (cost.ok) return cost.value;
    throw new HeddleError("plan-invalid", { where: cost.error.device, detail: `the rack has no calibration of its ${cost.error.missing}` });
  });
  assert(costs.length === plan.replicas.length, "a cost model for each replica", costs.length);
  const config = fleetConfigOf(plan);
  const engine = createFleetEngine(config, { routing: pricedRouting, costs });
  const observers: FleetObserver[] = [(event, _now, commands) => followFleet(status, event, commands)];
  let ledger: LedgerFile | undefined;
  if (options.ledger !== undefined) {
    ledger = openLedgerFile(options.ledger.folder, "fleet", { onLost: warnOfLedger });
    const node = { type: "fleet", config, policy: pricedRouting.name } as const;
    const identity = { heddle: version, node, plan, costs: options.costs, tokens: options.ledger.tokens };
    observers.push(createLedgerWriter(ledger, identity, { snapshot: () => engine.snapshot() }).record);
  }
  const observer: FleetObserver = (event, now, commands) => {
    for (const observe of observers) observe(event, now, commands);
  };
  return { node: createFleetNode(engine, { timing: sessionTimingOf(plan.policy), observer }), ledger };
}

/** Keys of a prompt, as the first replica's prefill would compute them. */
function keysFor(plan: Plan): (request: TokenRequest) => PromptKeys {
  if (!plan.policy.prefixCache) return () => ({ keys: [], parts: [] });
  const numerics = numericsLabel(plan, must(plan.replicas[0], "a fleet has a replica"))(BLOCK_TOKENS);
  return ({ tokens, salt }) => promptKeys(tokens, { model: plan.model.fingerprint, salt }, numerics);
}

function upOrThrow(status: readonly ReplicaStatus[], failures: readonly (HeddleError | undefined)[]): boolean {
  const lost = status.findIndex(({ state }) => state === "given-up");
  // A file that cannot be read or a driver that is not there stays so: waiting for further starts would only hide it.
  const hopeless = failures.find((failure) => failure !== undefined && failure.code !== "host-lost" && failure.code !== "device-failed");
  const reason = hopeless ?? (lost < 0 ? undefined : (failures[lost] ?? new HeddleError("host-lost")));
  if (reason !== undefined) throw reason;
  return status.every(({ state }) => state === "up");
}
