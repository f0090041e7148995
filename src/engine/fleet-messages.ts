import { assert, unreachable } from "../base/assert.ts";
import { planted } from "../base/planted-fault.ts";
import { judgePrediction, takeReport } from "./fleet-belief.ts";
import type { FleetCommand } from "./fleet-engine-types.ts";
import { end, fail, resubmit } from "./fleet-requests.ts";
import { type FleetConfig, type FleetRequest, type FleetState, fleetReplica } from "./fleet-state.ts";
import type { FromReplica, ReplicaReport } from "./messages.ts";

/** Takes what a replica says. Anything about a request that has ended, or of an older attempt, is dropped. */
export function takeReplicaMessage(
  state: FleetState,
  config: FleetConfig,
  from: { readonly replica: number; readonly message: FromReplica },
): FleetCommand[] {
  const { message, replica } = from;
  if (message.type === "report") {
    takeReport(fleetReplica(state, replica), message);
    return [];
  }
  const request = state.requests.get(message.request);
  if (request === undefined) return [];
  const current = request.replica === replica && message.attempt === request.attempt;
  if (!current && !planted("old-attempt-accepted")) return [];
  return takeAnswer(state, config, { request, message });
}

interface Answer {
  readonly request: FleetRequest;
  readonly message: Exclude<FromReplica, ReplicaReport>;
}

function takeAnswer(state: FleetState, config: FleetConfig, { request, message }: Answer): FleetCommand[] {
  switch (message.type) {
    case "started":
      takeStart(state, request, message.cachedTokens);
      return [];
    case "token":
      assert(message.index === request.delivered, "tokens come in order", { message, delivered: request.delivered });
      request.delivered++;
      request.fruitless = 0;
      request.progress = "decoding";
      if (request.replica !== undefined) takeSignOfLife(state, request.replica);
      return [{ type: "deliver", request: request.request, index: message.index, token: message.token }];
    case "finished":
      assert(message.generated === request.delivered, "all tokens came before the end", { message, delivered: request.delivered });
      return end(state, request, { reason: message.reason, generated: message.generated, tellReplica: false });
    case "failed":
      if (message.code === "prompt-too-long") return fail(state, request, "prompt-too-long");
      return resubmit(state, config, { request, cause: "device-failed" });
    default:
      return unreachable(message);
  }
}

function takeStart(state: FleetState, request: FleetRequest, cachedTokens: number): void {
  assert(request.replica !== undefined, "a request starts where it was sent", { request: request.request });
  const replica = fleetReplica(state, request.replica);
  request.cachedTokens ??= cachedTokens;
  request.progress = "started";
  request.uncachedTokens = request.promptTokens + request.delivered - cachedTokens;
  replica.reportedBacklogTokens += request.uncachedTokens;
  judgePrediction(replica, request.predictedCachedTokens, cachedTokens);
  state.prediction.predictedTokens += request.predictedCachedTokens;
  state.prediction.actualTokens += cachedTokens;
}

/** A host that delivers is not one that cannot start. */
function takeSignOfLife(state: FleetState, id: number): void {
  const replica = fleetReplica(state, id);
  if (replica.fruitful) return;
  replica.fruitful = true;
  replica.losses = [];
}
