import { must } from "../../base/assert.ts";
import type { HeddleError } from "../../base/heddle-error.ts";
import type { Clock, ClockTimer } from "../../clock/clock.ts";
import type { FleetNode } from "../../fleet/fleet-node.ts";
import type { FleetNodeInput, FleetNodeOutput } from "../../fleet/node-types.ts";
import type { ReplicaStatus } from "./fleet-status.ts";
import { createHostPool, type HostPool, type HostPoolOptions } from "./host-pool.ts";
import type { Observations } from "./observations.ts";
import type { RequestBook } from "./request-book.ts";

export interface FleetLoopParts {
  readonly hosts: HostPoolOptions;
  readonly clock: Clock;
  readonly node: FleetNode;
  readonly book: RequestBook;
  readonly status: readonly ReplicaStatus[];
  readonly observations: Observations;
  /** Called after every input was dealt with. */
  readonly onChange: () => void;
}

/** Feeds a fleet node its inputs, one at a time, and does what it commands. */
export interface FleetLoop {
  handle(input: FleetNodeInput): void;
  readonly pool: HostPool;
  /** Why the last host of each replica ended. */
  readonly failures: readonly (HeddleError | undefined)[];
  close(): Promise<void>;
}

export function startFleetLoop(parts: FleetLoopParts): FleetLoop {
  const { clock, node } = parts;
  const queue: FleetNodeInput[] = [];
  const failures: (HeddleError | undefined)[] = parts.status.map(() => undefined);
  let busy = false;
  let closed = false;
  let wake: ClockTimer | undefined;

  // Listeners may cancel or submit while outputs are being done: their inputs wait for their turn.
  const handle = (input: FleetNodeInput): void => {
    if (closed) return;
    queue.push(input);
    if (busy) return;
    busy = true;
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      for (const output of node.handle(next, clock.now())) {
        if (output.type === "wake") wakeAt(output.at);
        else act(parts, { pool, failures }, output);
      }
    }
    busy = false;
    parts.onChange();
  };
  const wakeAt = (at: number): void => {
    wake?.cancel();
    // After a pause of this process its timers fire before it reads: what hosts said meanwhile comes first, or they would seem silent.
    wake = clock.schedule(at, () => setImmediate(handle, { type: "tick" }));
  };
  const pool = startPool(parts, { handle, failures });
  return {
    handle,
    pool,
    failures,
    close: async () => {
      closed = true;
      wake?.cancel();
      await pool.close();
    },
  };
}

function startPool(
  parts: FleetLoopParts,
  loop: { handle: (input: FleetNodeInput) => void; failures: (HeddleError | undefined)[] },
): HostPool {
  const { handle, failures } = loop;
  return createHostPool(parts.hosts, parts.clock, {
    onUp: (replica, incarnation) => handle({ type: "event", event: { type: "replica-up", replica, incarnation } }),
    onBatch: (replica, batch) => {
      for (const detail of batch.logprobs) parts.book.note(detail);
      must(parts.status[replica], "a replica of the plan").load = batch.load;
      for (const frame of batch.frames) handle({ type: "frame", replica, frame });
    },
    onObserved: (replica, observed) => parts.observations.answered(replica, observed, parts.clock.now()),
    onDown: (replica, incarnation, failure) => {
      failures[replica] = failure;
      handle({ type: "event", event: { type: "replica-down", replica, incarnation, detail: failure.message } });
    },
  });
}

function act(
  { book }: FleetLoopParts,
  { pool, failures }: { pool: HostPool; failures: readonly (HeddleError | undefined)[] },
  output: Exclude<FleetNodeOutput, { type: "wake" }>,
): void {
  if (output.type === "frame") {
    const { message } = output.frame;
    pool.send(output.replica, output.frame, message?.type === "submit" ? () => book.workFor(message) : undefined);
  } else if (output.type === "deliver") book.deliver(output);
  else if (output.type === "finish") book.finish(output);
  else if (output.type === "reject") book.reject(output, output.code === "host-lost" ? lastWords(failures) : undefined);
  else if (output.type === "start-replica") pool.start(output.replica, output.incarnation, output.at);
  else pool.kill(output.replica, output.incarnation);
}

function lastWords(failures: readonly (HeddleError | undefined)[]): string | undefined {
  return failures.find((failure) => failure !== undefined)?.message;
}
