import { assert } from "../base/assert.ts";
import type { ErrorCode } from "../base/error-codes.ts";
import { planted } from "../base/planted-fault.ts";
import { admissionRefusal } from "../policy/admission.ts";
import { endPromise } from "./fleet-belief.ts";
import { hasRoom } from "./fleet-dispatch.ts";
import type { FleetCommand, RequestArrived } from "./fleet-engine-types.ts";
import { type FleetConfig, type FleetRequest, type FleetState, fits, fleetReplica, fleetRequest } from "./fleet-state.ts";
import type { FinishReason, RequestId } from "./messages.ts";

/** Weight of one request in the running mean of outputs: 1 / 2^4. */
const OUTPUT_MEAN_SHIFT = 4;

/** Admission: not draining, a replica that can take it runs or may come up, room in the queue. */
export function arrive(state: FleetState, config: FleetConfig, event: RequestArrived): FleetCommand[] {
  const { request, promptTokens, maxNewTokens, keys, parts, priority } = event;
  assert(!state.requests.has(request), "a request arrives once", { request });
  assert(promptTokens >= 1 && maxNewTokens >= 1, "a request has a prompt and wants a token", { request, promptTokens, maxNewTokens });
  const refusal = admissionRefusal({
    draining: state.draining,
    totalTokens: promptTokens + maxNewTokens,
    longestTokens: longestTokens(state, config),
    queued: state.queue.length,
    queueLimit: config.policy.queueLimit,
    room: hasRoom(state, config, event),
  });
  if (refusal !== undefined) return [{ type: "reject", request, code: refusal }];
  state.requests.set(request, {
    request,
    promptTokens,
    maxNewTokens,
    keys,
    parts,
    priority,
    attempt: 0,
    fruitless: 0,
    replica: undefined,
    delivered: 0,
    progress: "sent",
    uncachedTokens: 0,
    cachedTokens: undefined,
    predictedCachedTokens: 0,
  });
  enqueue(state, request);
  return [];
}

function longestTokens(state: FleetState, config: FleetConfig): number | undefined {
  let longest: number | undefined;
  config.replicas.forEach(({ contextLimit }, replica) => {
    if (fleetReplica(state, replica).status === "given-up") return;
    longest = Math.max(longest ?? 0, contextLimit ?? Number.MAX_SAFE_INTEGER);
  });
  return longest;
}

/** Higher priority first; resubmissions keep their place by age, since ids grow. */
function enqueue(state: FleetState, request: RequestId): void {
  const { priority } = fleetRequest(state, request);
  let at = state.queue.length;
  while (at > 0) {
    const before = fleetRequest(state, state.queue[at - 1]!);
    if (before.priority > priority || (before.priority === priority && before.request < request)) break;
    at--;
  }
  state.queue.splice(at, 0, request);
}

/** Ends a request for its client, and at its replica unless that has ended it already. */
export function end(
  state: FleetState,
  request: FleetRequest,
  how: { readonly reason: FinishReason; readonly generated: number; readonly tellReplica: boolean },
): FleetCommand[] {
  const commands = release(state, request, how.tellReplica);
  const { promptTokens, cachedTokens } = request;
  const { reason, generated } = how;
  if (reason !== "cancelled") state.expectedTokens += (generated - state.expectedTokens) >> OUTPUT_MEAN_SHIFT;
  commands.push({
    type: "finish",
    request: request.request,
    reason,
    promptTokens,
    generated,
    cachedTokens: Math.min(cachedTokens ?? 0, promptTokens),
  });
  return commands;
}

export function fail(state: FleetState, request: FleetRequest, code: ErrorCode): FleetCommand[] {
  return [...release(state, request, false), { type: "reject", request: request.request, code }];
}

function release(state: FleetState, request: FleetRequest, tellReplica: boolean): FleetCommand[] {
  const { replica: id } = request;
  if (id === undefined) {
    const at = state.queue.indexOf(request.request);
    if (at >= 0) state.queue.splice(at, 1);
    state.requests.delete(request.request);
    return [];
  }
  leaveReplica(state, request);
  state.requests.delete(request.request);
  const { status, incarnation } = fleetReplica(state, id);
  if (!tellReplica || status !== "up") return [];
  return [{ type: "send", replica: id, incarnation, message: { type: "cancel", request: request.request } }];
}

function leaveReplica(state: FleetState, request: FleetRequest): void {
  if (request.replica === undefined) return;
  const replica = fleetReplica(state, request.replica);
  assert(replica.assigned.delete(request.request), "a request leaves its replica once", { request: request.request });
  endPromise(replica, request);
  request.replica = undefined;
}

/** Puts a request back into the queue: what its client has already is kept, the rest is computed again. */
export function resubmit(
  state: FleetState,
  config: FleetConfig,
  lost: { readonly request: FleetRequest; readonly cause: "host-lost" | "device-failed" },
): FleetCommand[] {
  const { request, cause } = lost;
  leaveReplica(state, request);
  request.attempt++;
  request.fruitless++;
  if (request.delivered >= request.maxNewTokens) {
    return end(state, request, { reason: "length", generated: request.delivered, tellReplica: false });
  }
  if (request.fruitless >= config.attemptsMax) return fail(state, request, cause);
  if (planted("lost-resubmission")) return [];
  enqueue(state, request.request);
  return [];
}

/** Requests that no replica can take any more, since some were given up, end with an error. */
export function failHomeless(state: FleetState, config: FleetConfig): FleetCommand[] {
  const commands: FleetCommand[] = [];
  for (const request of [...state.requests.values()]) {
    const home = config.replicas.some((facts, replica) => fleetReplica(state, replica).status !== "given-up" && fits(facts, request));
    if (!home) commands.push(...fail(state, request, "host-lost"));
  }
  return commands;
}
