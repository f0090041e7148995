import { must } from "../../base/assert.ts";
import { mix32, type Prng, seededPrng } from "../../base/prng.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { ClockTimer } from "../../clock/clock.ts";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import { noiseDraws } from "../../cost/step-noise.ts";
import { createFleetEngine } from "../../engine/fleet-engine.ts";
import type { FleetCommand, FleetEvent } from "../../engine/fleet-engine-types.ts";
import { createReplicaEngine } from "../../engine/replica-engine.ts";
import { createFleetNode, type FleetNode } from "../../fleet/fleet-node.ts";
import type { FleetNodeInput, FleetNodeOutput } from "../../fleet/node-types.ts";
import { createReplicaNode } from "../../fleet/replica-node.ts";
import { createDeviceRates } from "./device-rates.ts";
import type { RunFault } from "./fault.ts";
import { createNetwork, type Network } from "./network.ts";
import type { RunInput, VirtualReplica } from "./run-input.ts";
import { createStepPipeline } from "./step-pipeline.ts";
import { createSyntheticContent } from "./synthetic-content.ts";
import { createVirtualDevices, type VirtualDevices } from "./virtual-device.ts";
import { startVirtualHost, type VirtualHost } from "./virtual-host.ts";
import type { HostLife, RunWatcher } from "./watcher.ts";

/** What a run leaves besides what its watchers saw. */
export interface RunOutcome {
  /** Time of the last event that ended a request. */
  readonly endedAt: Nanoseconds;
  /** Requests that had no end at the deadline. */
  readonly unfinished: number;
  /** Busy time of every device. */
  readonly deviceBusyNs: ReadonlyMap<string, Nanoseconds>;
  /** Message of the assertion that ended the run, where one did. */
  readonly failure?: string;
}

/** The parts of a run in progress. */
interface Running {
  readonly input: RunInput;
  readonly clock: VirtualClock;
  readonly network: Network;
  readonly devices: VirtualDevices;
  readonly noise: Prng;
  readonly fleet: FleetNode;
  /** Host of each replica and its incarnation, while one lives. */
  readonly hosts: ({ readonly host: VirtualHost; readonly life: HostLife } | undefined)[];
  readonly open: Set<number>;
  fleetWake: ClockTimer | undefined;
  arrivals: number;
  atOneInstant: number;
  endedAt: Nanoseconds;
  failure: string | undefined;
}

/** Events one instant may hold besides some for every request: all may arrive at once, but nothing is answered in no time. */
const EVENTS_AT_ONE_INSTANT_MAX = 100_000;
const EVENTS_OF_A_REQUEST_MAX = 8;
/** Time from the death of a process to the notice its parent gets. */
const EXIT_NOTICE_NS: Nanoseconds = 1_000_000;

/**
 * Runs the production engines and nodes under a virtual clock with modelled devices and network until every request has ended.
 *
 * Complexity: one heap operation an event; an event a message, stage of an iteration or timer.
 */
export function virtualRun(input: RunInput): RunOutcome {
  const running = prepare(input);
  const { clock } = running;
  deliver(running, { type: "start" });
  for (const fault of input.faults) clock.schedule(fault.atNs, () => strike(running, fault));
  scheduleArrivals(running);
  while (!isOver(running) && (running.arrivals < input.requests.length || running.open.size > 0)) {
    if (!advance(running, input.deadlineNs)) break;
  }
  const settled = running.arrivals === input.requests.length && running.open.size === 0;
  const until = Math.min(clock.now() + input.settleNs, input.deadlineNs);
  while (settled && !isOver(running) && advance(running, until)) {}
  const ended = { now: clock.now(), settled: settled && !isOver(running) };
  each(input, (watcher) => watcher.runEnded?.(ended));
  const { endedAt, failure } = running;
  return {
    endedAt,
    unfinished: running.open.size + input.requests.length - running.arrivals,
    deviceBusyNs: running.devices.busyNs(),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** The next event, if it lies within `until`. A run whose time stands still is broken: nodes wake one another without end. */
function advance(running: Running, until: Nanoseconds): boolean {
  const { clock } = running;
  const next = clock.peek();
  if (next === undefined || next > until) return false;
  running.atOneInstant = next === clock.now() ? running.atOneInstant + 1 : 0;
  const most = EVENTS_AT_ONE_INSTANT_MAX + EVENTS_OF_A_REQUEST_MAX * running.input.requests.length;
  if (running.atOneInstant > most) fail(running, "fleet", `time stands still: more than ${most} events at one instant`);
  else clock.advance();
  return true;
}

function isOver({ failure, input }: Running): boolean {
  return failure !== undefined || input.stop?.() === true;
}

function prepare(input: RunInput): Running {
  const clock = new VirtualClock();
  const ids = new Set(input.replicas.flatMap((replica) => replica.devices));
  const engine = createFleetEngine(input.fleet, { routing: input.routing, costs: input.replicas.map((replica) => replica.cost) });
  each(input, (watcher) => watcher.fleetStarted?.(engine));
  const observer = (event: FleetEvent, now: Nanoseconds, commands: readonly FleetCommand[]): void => {
    each(input, (watcher) => watcher.fleetStepped?.(event, now, commands));
  };
  return {
    input,
    clock,
    network: createNetwork(input.network, clock, seededPrng(mix32(input.seed) ^ 0x6e65)),
    devices: createVirtualDevices(clock, ids, input.sharing === undefined ? undefined : createDeviceRates(input.sharing)),
    noise: seededPrng(mix32(input.seed) ^ 0x7374),
    fleet: createFleetNode(engine, { timing: input.timing, observer }),
    hosts: input.replicas.map(() => undefined),
    open: new Set(),
    fleetWake: undefined,
    arrivals: 0,
    atOneInstant: 0,
    endedAt: 0,
    failure: undefined,
  };
}

/** The run's own factor times the noise of each step. */
function stepFactors({ stepFactor, stepNoise }: VirtualReplica, prng: Prng): () => number {
  const draw = noiseDraws(stepNoise, prng);
  return () => stepFactor * draw();
}

function each(input: RunInput, tell: (watcher: RunWatcher) => void): void {
  if (input.watchers !== undefined) for (const watcher of input.watchers) tell(watcher);
}

/** One arrival is on the heap at a time, so that a long workload does not fill it. */
function scheduleArrivals(running: Running): void {
  const { input, clock } = running;
  const request = running.arrivals;
  const next = input.requests[request];
  if (next === undefined) return;
  clock.schedule(next.atNs, () => {
    running.arrivals++;
    running.open.add(request);
    const { promptTokens, maxNewTokens, keys, parts, priority, cancelAtNs } = next;
    deliver(running, { type: "request-arrived", request, promptTokens, maxNewTokens, keys, parts, priority });
    if (cancelAtNs !== undefined) clock.schedule(cancelAtNs, () => tellEnd(running, { type: "request-cancelled", request }));
    scheduleArrivals(running);
  });
}

/** What a front end says about a request that may have ended meanwhile. */
function tellEnd(running: Running, event: { type: "request-cancelled" | "request-stopped"; request: number; index?: number }): void {
  if (!running.open.has(event.request)) return;
  if (event.type === "request-cancelled") deliver(running, { type: event.type, request: event.request });
  else deliver(running, { type: event.type, request: event.request, index: must(event.index, "a stop string has a place") });
}

function deliver(running: Running, event: Exclude<FleetEvent, { type: "message" }>): void {
  handleFleet(running, { type: "event", event });
}

function handleFleet(running: Running, input: FleetNodeInput): void {
  guard(running, "fleet", () => {
    for (const output of running.fleet.handle(input, running.clock.now())) doFleetOutput(running, output);
  });
}

function doFleetOutput(running: Running, output: FleetNodeOutput): void {
  const { clock, network, hosts } = running;
  switch (output.type) {
    case "frame": {
      const { replica, frame } = output;
      network.send(() => hosts[replica]?.host.takeFrame(frame));
      return;
    }
    case "deliver": {
      const { stopStringAt } = running.input.requests[output.request]!;
      if (output.index !== stopStringAt) return;
      const { request, index } = output;
      // The front end sees the token after this step, never inside it.
      clock.schedule(clock.now(), () => tellEnd(running, { type: "request-stopped", request, index }));
      return;
    }
    case "finish":
    case "reject":
      running.open.delete(output.request);
      running.endedAt = clock.now();
      return;
    case "start-replica": {
      const { replica, incarnation } = output;
      const startUpNs = must(running.input.replicas[replica], "a replica of the fleet").startUpNs;
      clock.schedule(output.at + startUpNs, () => startHost(running, { replica, incarnation }));
      return;
    }
    case "kill-replica":
      endHost(running, output);
      return;
    case "wake":
      running.fleetWake?.cancel();
      running.fleetWake = clock.schedule(output.at, () => handleFleet(running, { type: "tick" }));
      return;
  }
}

function startHost(running: Running, life: HostLife): void {
  const { input, clock, devices, hosts, network } = running;
  const replica = must(input.replicas[life.replica], "a replica of the fleet");
  const { config, cost, devices: stageDevices } = replica;
  const engine = createReplicaEngine(config, { batching: input.batching, cost });
  each(input, (watcher) => watcher.hostStarted?.(life, engine, clock.now()));
  const node = createReplicaNode(
    engine,
    {
      incarnation: life.incarnation,
      timing: input.timing,
      observer: (event, now, commands) => each(input, (watcher) => watcher.replicaStepped?.(life, { event, commands }, now)),
    },
    clock.now(),
  );
  const host = startVirtualHost(clock, {
    node,
    pipeline: createStepPipeline(clock, {
      cost,
      devices,
      stageDevices,
      drawFactor: stepFactors(replica, running.noise),
    }),
    content: createSyntheticContent(input.requests, config.sealDecoded !== true),
    sendFrame: (frame) => network.send(() => handleFleet(running, { type: "frame", replica: life.replica, frame })),
    orphaned: () => loseHost(running, { life, noticeNs: EXIT_NOTICE_NS }),
    guard: (run) => guard(running, life, run),
  });
  hosts[life.replica] = { host, life };
  deliver(running, { type: "replica-up", ...life });
}

/** The process dies; whoever started it is told, unless the notice is lost too. */
function loseHost(running: Running, loss: { life: HostLife; noticeNs: Nanoseconds | undefined }): void {
  const { clock } = running;
  const { life, noticeNs } = loss;
  endHost(running, life);
  if (noticeNs === undefined) return;
  clock.schedule(clock.now() + noticeNs, () => deliver(running, { type: "replica-down", ...life, detail: "the host ended" }));
}

function endHost(running: Running, { replica, incarnation }: HostLife): void {
  const living = running.hosts[replica];
  if (living?.life.incarnation !== incarnation) return;
  living.host.end();
  running.hosts[replica] = undefined;
  each(running.input, (watcher) => watcher.hostEnded?.(living.life, running.clock.now()));
}

function strike(running: Running, fault: RunFault): void {
  switch (fault.type) {
    case "host-loss": {
      const living = running.hosts[fault.replica];
      if (living !== undefined) loseHost(running, { life: living.life, noticeNs: fault.noticeNs });
      return;
    }
    case "slow-device":
      running.devices.slow(fault.device, fault.factor, fault.untilNs);
      return;
    case "task-failure":
      running.hosts[fault.replica]?.host.failNextTask(fault.gathering === true);
      return;
    case "drain":
      deliver(running, { type: "drain" });
      return;
  }
}

/** A node that breaks a promise of its own ends the run: live, its process would end. */
function guard(running: Running, node: HostLife | "fleet", run: () => void): void {
  if (running.failure !== undefined) return;
  try {
    run();
  } catch (thrown) {
    fail(running, node, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function fail(running: Running, node: HostLife | "fleet", message: string): void {
  running.failure = message;
  each(running.input, (watcher) => watcher.nodeFailed?.(node, message, running.clock.now()));
}
