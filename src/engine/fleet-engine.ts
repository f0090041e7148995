import { unreachable } from "../base/assert.ts";
import { planted } from "../base/planted-fault.ts";
import type { Nanoseconds } from "../base/units.ts";
import type { Engine } from "./engine.ts";
import { dispatch } from "./fleet-dispatch.ts";
import type { FleetCommand, FleetEvent } from "./fleet-engine-types.ts";
import { loseReplica, startReplica } from "./fleet-hosts.ts";
import { takeReplicaMessage } from "./fleet-messages.ts";
import { arrive, end } from "./fleet-requests.ts";
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
    step: (event, now) => {
      const commands = take(state, config, { event, now });
      dispatch({ state, config, deciders }, commands);
      return commands;
    },
    snapshot: () => structuredClone(state),
  };
}

function take(state: FleetState, config: FleetConfig, given: { readonly event: FleetEvent; readonly now: Nanoseconds }): FleetCommand[] {
  const { event, now } = given;
  switch (event.type) {
    case "start":
      return state.replicas.map((_, replica) => startReplica(state, replica, now));
    case "request-arrived":
      return arrive(state, config, event);
    case "request-cancelled": {
      const request = state.requests.get(event.request);
      return request === undefined ? [] : end(state, request, { reason: "cancelled", generated: request.delivered, tellReplica: true });
    }
    case "request-stopped": {
      const request = state.requests.get(event.request);
      if (request === undefined) return [];
      return end(state, request, { reason: "stop", generated: Math.min(event.index, request.delivered), tellReplica: true });
    }
    case "replica-up": {
      const replica = fleetReplica(state, event.replica);
      if (replica.incarnation === event.incarnation && replica.status === "starting") replica.status = "up";
      return [];
    }
    case "replica-down":
      return loseReplica(state, config, { ...event, now });
    case "message": {
      const { replica, incarnation, message } = event;
      const known = fleetReplica(state, replica);
      const current = known.incarnation === incarnation && known.status === "up";
      if (!current && !planted("old-attempt-accepted")) return [];
      return takeReplicaMessage(state, config, { replica, message });
    }
    case "drain":
      state.draining = true;
      return [];
    default:
      return unreachable(event);
  }
}
