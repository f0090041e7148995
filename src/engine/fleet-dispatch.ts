import { assert } from "../base/assert.ts";
import { planted } from "../base/planted-fault.ts";
import type { ReplicaView } from "../policy/routing.ts";
import { BLOCK_TOKENS } from "../state/block.ts";
import type { FleetCommand } from "./fleet-engine-types.ts";
import { type FleetConfig, type FleetDeciders, type FleetRequest, type FleetState, fleetReplica } from "./fleet-state.ts";

/** Sends queued requests, in order, to the replica with the lowest price, as long as one has room. */
export function dispatch(state: FleetState, config: FleetConfig, deciders: FleetDeciders): FleetCommand[] {
  const commands: FleetCommand[] = [];
  while (state.queue.length > 0) {
    const request = state.requests.get(state.queue[0]!);
    assert(request !== undefined, "a queued request is known");
    const candidates = candidatesFor(state, config, { deciders, request });
    if (candidates.length === 0) break;
    const { promptTokens, maxNewTokens } = request;
    const prices = deciders.routing.price({ promptTokens, maxNewTokens }, candidates);
    // Whatever a policy returns, the request goes to a replica that has room.
    const chosen = candidates.find((view) => view.replica === prices[0]?.replica) ?? candidates[0]!;
    state.queue.shift();
    commands.push(send(state, request, chosen));
  }
  return commands;
}

function candidatesFor(state: FleetState, config: FleetConfig, given: { deciders: FleetDeciders; request: FleetRequest }): ReplicaView[] {
  const views: ReplicaView[] = [];
  for (let replica = 0; replica < state.replicas.length; replica++) {
    const { status, assigned, backlogTokens } = fleetReplica(state, replica);
    const facts = config.replicas[replica];
    const cost = given.deciders.costs[replica];
    assert(facts !== undefined && cost !== undefined, "every replica has facts and a cost model", { replica });
    if (status !== "up" || assigned.size >= facts.maxSequences + config.lookAhead) continue;
    views.push({
      replica,
      assigned: assigned.size,
      maxSequences: facts.maxSequences,
      backlogTokens,
      cachedTokens: believedTokens(state, replica, given.request),
      cost,
      stages: facts.stages,
    });
  }
  return views;
}

function believedTokens(state: FleetState, replica: number, request: FleetRequest): number {
  const { believed } = fleetReplica(state, replica);
  const most = Math.floor((request.promptTokens + request.delivered - 1) / BLOCK_TOKENS);
  let blocks = 0;
  while (blocks < most && blocks < request.keys.length && believed.has(request.keys[blocks]!)) blocks++;
  return blocks * BLOCK_TOKENS;
}

function send(state: FleetState, request: FleetRequest, chosen: ReplicaView): FleetCommand {
  const replica = fleetReplica(state, chosen.replica);
  request.replica = chosen.replica;
  request.predictedCachedTokens = chosen.cachedTokens;
  replica.assigned.set(request.request, true);
  replica.backlogTokens += request.promptTokens + request.delivered - chosen.cachedTokens;
  // What is sent there will be cached there: the next request of the same prefix should know before the report says so.
  for (const key of request.keys) replica.believed.set(key, true);
  const delivered = planted("wrong-resume-index") ? Math.max(0, request.delivered - 1) : request.delivered;
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
      priority: request.priority,
    },
  };
}
