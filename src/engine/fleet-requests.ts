import { assert } from "../base/assert.ts";
import type { ErrorCode } from "../base/error-codes.ts";
import { planted } from "../base/planted-fault.ts";
import type { FleetCommand, RequestArrived } from "./fleet-engine-types.ts";
import { type FleetConfig, type FleetRequest, type FleetState, fleetReplica } from "./fleet-state.ts";
import type { FinishReason, FromReplica, ReplicaReport, RequestId } from "./messages.ts";

/** Admission: room in the queue, not draining, a replica that is or may come up. */
export function arrive(state: FleetState, config: FleetConfig, event: RequestArrived): FleetCommand[] {
  const { request, promptTokens, maxNewTokens, keys, priority } = event;
  const reject = (code: ErrorCode): FleetCommand[] => [{ type: "reject", request, code }];
  assert(!state.requests.has(request), "a request arrives once", { request });
  if (state.draining) return reject("draining");
  if (state.replicas.every((replica) => replica.status === "given-up")) return reject("host-lost");
  if (state.queue.length >= config.policy.queueLimit && !hasRoom(state, config)) return reject("queue-full");
  state.requests.set(request, {
    request,
    promptTokens,
    maxNewTokens,
    keys,
    priority,
    attempt: 0,
    replica: undefined,
    delivered: 0,
    cachedTokens: undefined,
    predictedCachedTokens: 0,
  });
  enqueue(state, request);
  return [];
}

/** With an empty queue a request may go straight to a replica, whatever the limit of the queue. */
function hasRoom(state: FleetState, config: FleetConfig): boolean {
  const open = (id: number): number => (config.replicas[id]?.maxSequences ?? 0) + config.lookAhead;
  return state.queue.length === 0 && state.replicas.some((replica, id) => replica.status === "up" && replica.assigned.size < open(id));
}

/** Higher priority first; resubmissions keep their place by age, since ids grow. */
export function enqueue(state: FleetState, request: RequestId): void {
  const { priority } = state.requests.get(request)!;
  let at = state.queue.length;
  while (at > 0) {
    const before = state.requests.get(state.queue[at - 1]!)!;
    if (before.priority > priority || (before.priority === priority && before.request < request)) break;
    at--;
  }
  state.queue.splice(at, 0, request);
}

/** Ends a request for its client, and at its replica unless that has ended it already. */
export function end(
  state: FleetState,
  request: FleetRequest,
  how: { reason: FinishReason; generated: number; tellReplica: boolean },
): FleetCommand[] {
  const commands = release(state, request, how.tellReplica);
  const { promptTokens } = request;
  commands.push({
    type: "finish",
    request: request.request,
    reason: how.reason,
    promptTokens,
    generated: how.generated,
    cachedTokens: Math.min(request.cachedTokens ?? 0, promptTokens),
  });
  return commands;
}

export function fail(state: FleetState, request: FleetRequest, code: ErrorCode): FleetCommand[] {
  return [...release(state, request, false), { type: "reject", request: request.request, code }];
}

function release(state: FleetState, request: FleetRequest, tellReplica: boolean): FleetCommand[] {
  state.requests.delete(request.request);
  if (request.replica === undefined) {
    state.queue = state.queue.filter((queued) => queued !== request.request);
    return [];
  }
  const replica = fleetReplica(state, request.replica);
  replica.assigned.delete(request.request);
  if (!tellReplica || replica.status !== "up") return [];
  const message = { type: "cancel", request: request.request } as const;
  return [{ type: "send", replica: request.replica, incarnation: replica.incarnation, message }];
}

/** Puts a request back into the queue: what its client has already is kept, the rest is computed again. */
export function resubmit(state: FleetState, config: FleetConfig, request: FleetRequest): FleetCommand[] {
  if (request.replica !== undefined) fleetReplica(state, request.replica).assigned.delete(request.request);
  request.replica = undefined;
  request.attempt++;
  if (request.delivered >= request.maxNewTokens) {
    return end(state, request, { reason: "length", generated: request.delivered, tellReplica: false });
  }
  if (request.attempt >= config.attemptsMax) return fail(state, request, "device-failed");
  if (planted("lost-resubmission")) return [];
  enqueue(state, request.request);
  return [];
}

/** Takes what a replica says. Anything about a request that has ended, or of an older attempt, is dropped. */
export function takeReplicaMessage(
  state: FleetState,
  config: FleetConfig,
  from: { replica: number; message: FromReplica },
): FleetCommand[] {
  const { message, replica } = from;
  if (message.type === "report") {
    takeReport(state, replica, message);
    return [];
  }
  const request = state.requests.get(message.request);
  if (request === undefined || request.replica !== replica) return [];
  if (message.attempt !== request.attempt && !planted("old-attempt-accepted")) return [];
  switch (message.type) {
    case "started":
      request.cachedTokens ??= message.cachedTokens;
      state.prediction.predictedTokens += request.predictedCachedTokens;
      state.prediction.actualTokens += message.cachedTokens;
      return [];
    case "token":
      assert(message.index === request.delivered, "tokens come in order", { message, delivered: request.delivered });
      request.delivered++;
      return [{ type: "deliver", request: request.request, index: message.index, token: message.token }];
    case "finished":
      assert(message.generated === request.delivered, "all tokens came before the end", { message, delivered: request.delivered });
      return end(state, request, { reason: message.reason, generated: message.generated, tellReplica: false });
    case "failed":
      return message.code === "prompt-too-long" ? fail(state, request, "prompt-too-long") : resubmit(state, config, request);
  }
}

function takeReport(state: FleetState, id: number, report: ReplicaReport): void {
  const replica = fleetReplica(state, id);
  replica.backlogTokens = report.prefillBacklogTokens;
  for (const key of report.evicted) replica.believed.delete(key);
  for (const key of report.sealed) replica.believed.set(key, true);
}
