import type { Nanoseconds } from "../base/units.ts";
import type { FleetCommand } from "./fleet-engine-types.ts";
import { failHomeless, resubmit } from "./fleet-requests.ts";
import { type FleetConfig, type FleetState, fleetReplica } from "./fleet-state.ts";

/** A new life of a replica's host, from `at` on. */
export function startReplica(state: FleetState, replica: number, at: Nanoseconds): FleetCommand {
  const starting = fleetReplica(state, replica);
  starting.incarnation++;
  starting.status = "starting";
  starting.fruitful = false;
  return { type: "start-replica", replica, incarnation: starting.incarnation, at };
}

/** The end of one life of a replica's host. */
export interface ReplicaLoss {
  readonly replica: number;
  readonly incarnation: number;
  readonly now: Nanoseconds;
}

/**
 * A host is gone with all its state: its requests go back to the queue, and it is started again unless it keeps dying before it has delivered
 * anything.
 */
export function loseReplica(state: FleetState, config: FleetConfig, loss: ReplicaLoss): FleetCommand[] {
  const replica = fleetReplica(state, loss.replica);
  if (replica.incarnation !== loss.incarnation || replica.status === "down" || replica.status === "given-up") return [];
  replica.status = "down";
  // A host that is only silent may live on: its successor must not find it there.
  const commands: FleetCommand[] = [{ type: "kill-replica", replica: loss.replica, incarnation: loss.incarnation }];
  const orphans = [...replica.assigned.keys()].sort((a, b) => a - b);
  for (const id of orphans) {
    const request = state.requests.get(id);
    if (request !== undefined) commands.push(...resubmit(state, config, { request, cause: "host-lost" }));
  }
  replica.reportedBacklogTokens = 0;
  replica.believed.clear();
  replica.prediction = { predictedTokens: 0, actualTokens: 0 };
  replica.losses = replica.losses.filter((at) => loss.now - at < config.restartWindowNs);
  if (!replica.fruitful) replica.losses.push(loss.now);
  if (replica.losses.length > config.restartsMax) {
    replica.status = "given-up";
    commands.push(...failHomeless(state, config));
    return commands;
  }
  let delay = config.restartDelayNs;
  for (let i = 1; i < replica.losses.length; i++) delay *= 2;
  commands.push(startReplica(state, loss.replica, loss.now + delay));
  return commands;
}
