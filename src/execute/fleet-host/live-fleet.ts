import { assert, must } from "../../base/assert.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import type { ClockTimer } from "../../clock/clock.ts";
import type { StepCostInput } from "../../cost/step-cost-from.ts";
import { stepCostFrom } from "../../cost/step-cost-from.ts";
import { createFleetEngine } from "../../engine/fleet-engine.ts";
import { createLedgerWriter } from "../../engine/ledger-writer.ts";
import { createFleetNode, type FleetNode } from "../../fleet/fleet-node.ts";
import type { FleetNodeInput, FleetNodeOutput, FleetObserver } from "../../fleet/node-types.ts";
import { fleetConfigOf, sessionTimingOf } from "../../fleet/plan-config.ts";
import type { Plan } from "../../plan/plan.ts";
import { pricedRouting } from "../../policy/policies/priced-routing.ts";
import { BLOCK_TOKENS } from "../../state/block.ts";
import { blockKeys } from "../../state/block-key.ts";
import { version } from "../../version.ts";
import { type LedgerFile, openLedgerFile } from "../ledger-files/ledger-file.ts";
import type { LedgerPlace } from "../replica-host/host-protocol.ts";
import { numericsLabel } from "../replica-host/numerics-label.ts";
import { createWallClock } from "../wall-clock.ts";
import { followFleet, initialStatus, type ReplicaStatus } from "./fleet-status.ts";
import { createHostPool, type HostPool } from "./host-pool.ts";
import { createRequestBook } from "./request-book.ts";
import type { LiveRequest, TokenListener, TokenRequest } from "./token-request.ts";

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
  /** Ends the hosts and the ledger; requests that are left get no answer. */
  close(): Promise<void>;
  /** Process id of a replica's present host. */
  hostPid(replica: number): number | undefined;
}

/** Errors: `plan-invalid` where a replica cannot be priced; `file-unwritable` for the ledger. */
export function startLiveFleet(options: LiveFleetOptions): LiveFleet {
  const { plan } = options;
  const clock = createWallClock();
  const status = initialStatus(plan.replicas.length);
  const { node, ledger } = makeNode(options, status);
  const waiters = { up: new Set<() => void>(), idle: new Set<() => void>() };
  const book = createRequestBook(() => notify(waiters.idle));
  const queue: FleetNodeInput[] = [];
  const failures: (HeddleError | undefined)[] = plan.replicas.map(() => undefined);
  let busy = false;
  let closed = false;
  let wake: ClockTimer | undefined;
  let nextId = 0;

  const pool: HostPool = createHostPool(options, clock, {
    onUp: (replica, incarnation) => handle({ type: "event", event: { type: "replica-up", replica, incarnation } }),
    onBatch: (replica, batch) => {
      for (const detail of batch.logprobs) book.note(detail);
      must(status[replica], "a replica of the plan").load = batch.load;
      for (const frame of batch.frames) handle({ type: "frame", replica, frame });
    },
    onDown: (replica, incarnation, failure) => {
      failures[replica] = failure;
      handle({ type: "event", event: { type: "replica-down", replica, incarnation, detail: failure.message } });
    },
  });

  // Listeners may cancel or submit while outputs are being done: their inputs wait for their turn.
  const handle = (input: FleetNodeInput): void => {
    if (closed) return;
    queue.push(input);
    if (busy) return;
    busy = true;
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      for (const output of node.handle(next, clock.now())) act(output);
    }
    busy = false;
    notify(waiters.up);
  };

  const act = (output: FleetNodeOutput): void => {
    if (output.type === "frame") {
      const { message } = output.frame;
      pool.send(output.replica, output.frame, message?.type === "submit" ? () => book.workFor(message) : undefined);
    } else if (output.type === "deliver") book.deliver(output);
    else if (output.type === "finish") book.finish(output);
    else if (output.type === "reject") book.reject(output, output.code === "host-lost" ? lastFailure(failures) : undefined);
    else if (output.type === "start-replica") pool.start(output.replica, output.incarnation, output.at);
    else if (output.type === "kill-replica") pool.kill(output.replica, output.incarnation);
    else {
      wake?.cancel();
      // After a pause of this process its timers fire before it reads: what hosts said meanwhile comes first, or they would seem silent.
      wake = clock.schedule(output.at, () => setImmediate(handle, { type: "tick" }));
    }
  };

  const keysOf = keysFor(plan);
  const submit = (request: TokenRequest, listener: TokenListener): LiveRequest => {
    assert(!closed, "a closed fleet takes no request");
    const id = nextId++;
    const keys = keysOf(request);
    const { maxNewTokens, priority } = request;
    book.add(id, request, listener);
    const arrived = { type: "request-arrived", request: id, promptTokens: request.tokens.length, maxNewTokens, keys, priority } as const;
    queueMicrotask(() => handle({ type: "event", event: arrived }));
    return {
      id,
      cancel: () => queueMicrotask(() => handle({ type: "event", event: { type: "request-cancelled", request: id } })),
      stop: (generated) => handle({ type: "event", event: { type: "request-stopped", request: id, index: generated } }),
    };
  };

  handle({ type: "event", event: { type: "start" } });
  return {
    submit,
    status,
    get live() {
      return book.size;
    },
    up: () => waitFor(waiters.up, () => upOrThrow(status, failures)),
    drain: async () => {
      handle({ type: "event", event: { type: "drain" } });
      await waitFor(waiters.idle, () => book.size === 0);
    },
    close: async () => {
      closed = true;
      wake?.cancel();
      await pool.close();
      ledger?.close();
    },
    hostPid: pool.pid,
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
    ledger = openLedgerFile(options.ledger.folder, "fleet");
    const node = { type: "fleet", config, policy: pricedRouting.name } as const;
    const identity = { heddle: version, node, plan, costs: options.costs, tokens: options.ledger.tokens };
    observers.push(createLedgerWriter(ledger, identity, { snapshot: () => engine.snapshot() }).record);
  }
  const observer: FleetObserver = (event, now, commands) => {
    for (const observe of observers) observe(event, now, commands);
  };
  return { node: createFleetNode(engine, { timing: sessionTimingOf(plan.policy), observer }), ledger };
}

/** Keys of a prompt's whole blocks, as the first replica's prefill would compute them. */
function keysFor(plan: Plan): (request: TokenRequest) => readonly string[] {
  if (!plan.policy.prefixCache) return () => [];
  const numerics = numericsLabel(plan, must(plan.replicas[0], "a fleet has a replica"))(BLOCK_TOKENS);
  return ({ tokens, salt }) => blockKeys(tokens, { model: plan.model.fingerprint, salt }, numerics);
}

function upOrThrow(status: readonly ReplicaStatus[], failures: readonly (HeddleError | undefined)[]): boolean {
  const lost = status.findIndex(({ state }) => state === "given-up");
  // A file that cannot be read or a driver that is not there stays so: waiting for further starts would only hide it.
  const hopeless = failures.find((failure) => failure !== undefined && failure.code !== "host-lost" && failure.code !== "device-failed");
  const reason = hopeless ?? (lost < 0 ? undefined : (failures[lost] ?? new HeddleError("host-lost")));
  if (reason !== undefined) throw reason;
  return status.every(({ state }) => state === "up");
}

function lastFailure(failures: readonly (HeddleError | undefined)[]): string | undefined {
  return failures.find((failure) => failure !== undefined)?.message;
}

/** Resolves when `condition` holds, which is looked at now and at every notice. */
function waitFor(waiters: Set<() => void>, condition: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      try {
        if (!condition()) return;
        resolve();
      } catch (thrown) {
        reject(thrown);
      }
      waiters.delete(look);
    };
    waiters.add(look);
    look();
  });
}

function notify(waiters: ReadonlySet<() => void>): void {
  for (const look of [...waiters]) look();
}
