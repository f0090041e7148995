import { must } from "../../base/assert.ts";
import type { HeddleError } from "../../base/heddle-error.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { Clock, ClockTimer } from "../../clock/clock.ts";
import type { StepCostInput } from "../../cost/step-cost-from.ts";
import type { ToReplica } from "../../engine/messages.ts";
import type { Frame } from "../../fleet/session.ts";
import type { Plan } from "../../plan/plan.ts";
import type { FromHost, LedgerPlace, SubmitWork } from "../replica-host/host-protocol.ts";
import { type HostProcess, startHostProcess } from "./host-process.ts";

export interface HostPoolOptions {
  readonly plan: Plan;
  readonly costs: readonly StepCostInput[];
  readonly ledger?: LedgerPlace;
}

export interface HostPoolHandlers {
  readonly onUp: (replica: number, incarnation: number) => void;
  readonly onBatch: (replica: number, batch: Extract<FromHost, { type: "batch" }>) => void;
  readonly onObserved: (replica: number, observed: Extract<FromHost, { type: "observed" }>) => void;
  readonly onDown: (replica: number, incarnation: number, failure: HeddleError) => void;
}

/** The host processes of a fleet, one a replica at most. */
export interface HostPool {
  start(replica: number, incarnation: number, at: Nanoseconds): void;
  kill(replica: number, incarnation: number): void;
  /** Sends a frame; `work` is asked for when the frame goes out for the first time. */
  send(replica: number, frame: Frame<ToReplica>, work: (() => SubmitWork | undefined) | undefined): void;
  /** Asks a replica's host for its iterations; whether there is one. */
  observe(replica: number): boolean;
  pid(replica: number): number | undefined;
  close(): Promise<void>;
}

/** A host that was told to end and did not is killed after this time. Units: ms. */
const STOP_MS = 2_000;

interface Place {
  host: HostProcess | undefined;
  starting: ClockTimer | undefined;
  /** Highest sequence number sent to the present host. */
  sentSeq: number;
}

export function createHostPool(options: HostPoolOptions, clock: Clock, handlers: HostPoolHandlers): HostPool {
  const places = options.plan.replicas.map((): Place => ({ host: undefined, starting: undefined, sentSeq: 0 }));
  let closed = false;

  const launch = (replica: number, incarnation: number): void => {
    if (closed) return;
    const place = must(places[replica], "a replica of the plan");
    const cost = must(options.costs[replica], "a cost model for each replica");
    place.sentSeq = 0;
    const start = { plan: options.plan, replica, incarnation, cost, ledger: options.ledger };
    const host = startHostProcess(start, {
      onReady: () => place.host === host && handlers.onUp(replica, incarnation),
      onBatch: (batch) => place.host === host && handlers.onBatch(replica, batch),
      onObserved: (observed) => place.host === host && handlers.onObserved(replica, observed),
      onEnd: (failure) => {
        if (place.host === host) place.host = undefined;
        if (!closed) handlers.onDown(replica, incarnation, failure);
      },
    });
    place.host = host;
  };

  return {
    start: (replica, incarnation, at) => {
      const place = must(places[replica], "a replica of the plan");
      place.starting?.cancel();
      place.starting = clock.schedule(at, () => launch(replica, incarnation));
    },
    kill: (replica, incarnation) => {
      const { host } = must(places[replica], "a replica of the plan");
      if (host?.incarnation === incarnation) host.kill();
    },
    send: (replica, frame, work) => {
      const place = must(places[replica], "a replica of the plan");
      const { host } = place;
      if (host === undefined || host.incarnation !== frame.incarnation) return;
      const first = frame.seq > place.sentSeq;
      if (first) place.sentSeq = frame.seq;
      const attached = first ? work?.() : undefined;
      host.send(attached === undefined ? { type: "frame", frame } : { type: "frame", frame, work: attached });
    },
    observe: (replica) => {
      const { host } = must(places[replica], "a replica of the plan");
      host?.send({ type: "observe" });
      return host !== undefined;
    },
    pid: (replica) => must(places[replica], "a replica of the plan").host?.pid,
    close: async () => {
      closed = true;
      await Promise.all(places.map(closePlace));
    },
  };
}

async function closePlace({ host, starting }: Place): Promise<void> {
  starting?.cancel();
  if (host === undefined) return;
  host.send({ type: "stop" });
  const timer = setTimeout(() => host.kill(), STOP_MS);
  await host.ended;
  clearTimeout(timer);
}
