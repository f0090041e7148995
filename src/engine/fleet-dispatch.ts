import { assert } from "../base/assert.ts";
import { planted } from "../base/planted-fault.ts";
import type { ReplicaView, RoutePrice } from "../policy/routing.ts";
import { believedTokens, isTrusted, promiseBlocks } from "./fleet-belief.ts";
import type { FleetCommand } from "./fleet-engine-types.ts";
import {
  type FleetConfig,
  type FleetDeciders,
  type FleetRequest,
  type FleetState,
  fits,
  fleetReplica,
  fleetRequest,
} from "./fleet-state.ts";

interface Dispatching {
  readonly state: FleetState;
  readonly config: FleetConfig;
  readonly deciders: FleetDeciders;
}

/**
 * Sends queued requests, in order, to the replica with the lowest price, as long as one has room. A request that no replica with room can take
 * keeps those that could take it for itself: nobody behind it overtakes it there.
 */
export function dispatch(dispatching: Dispatching, commands: FleetCommand[]): void {
  const { state, config } = dispatching;
  const reserved = new Set<number>();
  for (let at = 0; at < state.queue.length && reserved.size < state.replicas.length; ) {
    const request = fleetRequest(state, state.queue[at]!);
    const candidates = candidatesFor(dispatching, request, reserved);
    if (candidates.length > 0) {
      state.queue.splice(at, 1);
      commands.push(send(state, request, choose(dispatching, request, candidates)));
      continue;
    }
    config.replicas.forEach((facts, replica) => {
      if (fits(facts, request) || fleetReplica(state, replica).status === "given-up") reserved.add(replica);
    });
    at++;
  }
}

/** Whether a replica would take a request of this length now. */
export function hasRoom(state: FleetState, config: FleetConfig, request: { promptTokens: number; maxNewTokens: number }): boolean {
  return config.replicas.some((facts, replica) => isOpen(state, config, replica) && fits(facts, request));
}

function isOpen(state: FleetState, config: FleetConfig, replica: number): boolean {
  const { status, assigned } = fleetReplica(state, replica);
  return status === "up" && assigned.size < config.replicas[replica]!.maxSequences + config.lookAhead;
}

function candidatesFor(dispatching: Dispatching, request: FleetRequest, reserved: ReadonlySet<number>): ReplicaView[] {
  const { state, config, deciders } = dispatching;
  const views: ReplicaView[] = [];
  for (let replica = 0; replica < state.replicas.length; replica++) {
    const facts = config.replicas[replica];
    const cost = deciders.costs[replica];
    assert(facts !== undefined && cost !== undefined, "every replica has facts and a cost model", { replica });
    if (reserved.has(replica) || !isOpen(state, config, replica) || !fits(facts, request)) continue;
    const known = fleetReplica(state, replica);
    views.push({
      replica,
      assigned: known.assigned.size,
      maxSequences: facts.maxSequences,
      cachedTokens: isTrusted(known) ? believedTokens(known, request) : 0,
      ...loadOf(state, replica),
      cost,
      stages: facts.stages,
    });
  }
  return views;
}

/**
 * What was sent to a replica and is not done. The backlog is what it reported and what it has not admitted yet, but never more than all that was
 * sent to it and has no token yet: a report may be older than a request.
 */
function loadOf(state: FleetState, replica: number): { backlogTokens: number; meanContextTokens: number } {
  const { assigned, reportedBacklogTokens } = fleetReplica(state, replica);
  let unfinished = 0;
  let unseen = 0;
  let context = 0;
  for (const id of assigned.keys()) {
    const { progress, uncachedTokens, promptTokens, delivered } = fleetRequest(state, id);
    context += promptTokens + delivered;
    if (progress !== "decoding") unfinished += uncachedTokens;
    if (progress === "sent") unseen += uncachedTokens;
  }
  return {
    backlogTokens: Math.min(unfinished, reportedBacklogTokens + unseen),
    meanContextTokens: assigned.size === 0 ? 0 : Math.floor(context / assigned.size),
  };
}

/** The policy's cheapest candidate. A policy that fails, or names another, is replaced by the shortest queue. */
function choose({ state, deciders }: Dispatching, request: FleetRequest, candidates: readonly ReplicaView[]): ReplicaView {
  const { promptTokens, delivered, maxNewTokens } = request;
  let prices: readonly RoutePrice[] = [];
  try {
    const left = maxNewTokens - delivered;
    prices = deciders.routing.price(
      { promptTokens: promptTokens + delivered, maxNewTokens: left, expectedTokens: state.expectedTokens },
      candidates,
    );
  } catch {
    prices = [];
  }
  let chosen = candidates.find((view) => view.replica === prices[0]?.replica);
  if (chosen === undefined) {
    state.routingFallbacks++;
    chosen = candidates.reduce((best, view) => (view.assigned < best.assigned ? view : best));
  }
  state.lastRoute = { request: request.request, replica: chosen.replica, prices };
  return chosen;
}

function send(state: FleetState, request: FleetRequest, chosen: ReplicaView): FleetCommand {
  const replica = fleetReplica(state, chosen.replica);
  const delivered = planted("wrong-resume-index") ? Math.max(0, request.delivered - 1) : request.delivered;
  request.replica = chosen.replica;
  request.progress = "sent";
  request.predictedCachedTokens = believedTokens(replica, request);
  request.uncachedTokens = request.promptTokens + delivered - chosen.cachedTokens;
  replica.assigned.set(request.request, true);
  promiseBlocks(replica, request);
  return {
    type: "send",
    replica: chosen.replica,
    incarnation: replica.incarnation,
    message: {
      type: "submit",
      request: request.request,
      attempt: request.attempt,
      promptTokens: request.promptTokens + delivered,
      delivered,
      maxNewTokens: request.maxNewTokens - delivered,
      keys: request.keys,
      parts: request.parts,
      priority: request.priority,
    },
  };
}
