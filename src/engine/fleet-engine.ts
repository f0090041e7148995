import { unreachable } from "../base/assert.ts";
import type { Nanoseconds } from "../base/units.ts";
import type { Engine } from "./engine.ts";
import { dispatch } from "./fleet-dispatch.ts";
import type { FleetCommand, FleetEvent } from "./fleet-engine-types.ts";
import { arrive, end, fail, resubmit, takeReplicaMessage } from "./fleet-requests.ts";
import { createFleetState, type FleetConfig, type FleetDeciders, type FleetState, fleetReplica } from "./fleet-state.ts";

export type FleetEngine = Engine<FleetEvent, FleetCommand, FleetState>;

/**
 * The engine of the front end: admission, priced routing, exactly-once delivery, resubmission after the loss of a host.
 *
 * A deterministic state machine over plain data. Its first event is `start`.
 */
export function createFleetEngine(config: FleetConfig, deciders: FleetDeciders, from?: FleetState): FleetEngine {
  const state = from === undefined ? createFleetState(config) : structuredClone(from);
  return {
    step: (event, now) => [...take(state, config, { event, now }), ...dispatch(state, config, deciders)],
    snapshot: () => structuredClone(state),
  };
}

function take(state: FleetState, config: FleetConfig, given: { event: FleetEvent; now: Nanoseconds }): FleetCommand[] {
  const { event, now } = given;
  switch (event.type) {
    case "start":
      return state.replicas.map((_, replica) => start(state, replica, now));
    case "request-arrived":
      return arrive(state, config, event);
    case "request-cancelled": {
      const request = state.requests.get(event.request);
      return request === undefined ? [] : end(state, request, { reason: "cancelled", generated: request.delivered, tellReplica: true });
    }
    case "request-stopped": {
      const request = state.requests.get(event.request);
      return request === undefined ? [] : end(state, request, { reason: "stop", generated: event.index, tellReplica: true });
    }
    case "replica-up": {
      const replica = fleetReplica(state, event.replica);
      if (replica.incarnation === event.incarnation && replica.status === "starting") replica.status = "up";
      return [];
    }
    case "replica-down":
      return lose(state, config, { ...event, now });
    case "message": {
      const { replica, incarnation, message } = event;
      const known = fleetReplica(state, replica);
      if (known.incarnation !== incarnation || known.status !== "up") return [];
      return takeReplicaMessage(state, config, { replica, message });
    }
    case "drain":
      state.draining = true;
      return [];
    default:
      return unreachable(event);
  }
}

function start(state: FleetState, replica: number, at: Nanoseconds): FleetCommand {
  const starting = fleetReplica(state, replica);
  starting.incarnation++;
  starting.status = "starting";
  return { type: "start-replica", replica, incarnation: starting.incarnation, at };
}

interface Loss {
  readonly replica: number;
  readonly incarnation: number;
  readonly now: Nanoseconds;
}

/** A host is gone with all its state: its requests go back to the queue, and it is started again unless it keeps dying. */
function lose(state: FleetState, config: FleetConfig, loss: Loss): FleetCommand[] {
  const replica = fleetReplica(state, loss.replica);
  if (replica.incarnation !== loss.incarnation || replica.status === "down" || replica.status === "given-up") return [];
  replica.status = "down";
  replica.backlogTokens = 0;
  replica.believed.clear();
  replica.losses = replica.losses.filter((at) => loss.now - at < config.restartWindowNs);
  replica.losses.push(loss.now);
  const commands: FleetCommand[] = [{ type: "kill-replica", replica: loss.replica, incarnation: loss.incarnation }];
  const orphans = [...replica.assigned.keys()].sort((a, b) => a - b);
  for (const id of orphans) {
    const request = state.requests.get(id);
    if (request !== undefined) commands.push(...resubmit(state, config, request));
  }
  if (replica.losses.length > config.restartsMax) {
    replica.status = "given-up";
    return [...commands, ...giveUp(state)];
  }
  let delay = config.restartDelayNs;
  for (let i = 1; i < replica.losses.length; i++) delay *= 2;
  commands.push(start(state, loss.replica, loss.now + delay));
  return commands;
}

/** With no replica left or coming, whoever waits is told. */
function giveUp(state: FleetState): FleetCommand[] {
  if (state.replicas.some((replica) => replica.status !== "given-up")) return [];
  return [...state.requests.values()].flatMap((request) => fail(state, request, "host-lost"));
}
