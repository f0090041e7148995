import { assert } from "../../base/assert.ts";
import { TimeHeap } from "../../base/heap.ts";
import { itemAt } from "../../base/int-deque.ts";
import { setWake } from "../../base/wake-heap.ts";
import { DECISION, recordDecision } from "../../engine/serving/decision-log.ts";
import { kvArrived, letGo } from "../../engine/serving/schedule-step.ts";
import type { ServingReplica } from "../../engine/serving/serving-replica.ts";
import { createFlowNetwork } from "../flows/flow-network.ts";
import { imageArrived } from "./move-images.ts";
import { noteOnWay, repriceBesideKv } from "./reprice-beside-kv.ts";
import { joinQueue } from "./route-request.ts";
import type { KvWays } from "./serving-input.ts";
import type { KvMoves, ServingRun } from "./serving-state.ts";
import { cutLeap, settleReplica } from "./settle-replica.ts";

/** KV on its way from prefill to decode replicas, each over the links of its way. Units: ns, bytes. */
export function kvMoves(transfer: KvMoves["transfer"], replicas: number, coming: ServingRun["coming"]): KvMoves {
  const { ways } = transfer;
  const arrivals = new TimeHeap<number>();
  const latencyNs = Math.round(transfer.latencyNs);
  const shared = { onWay: new Map<number, readonly [number, number]>(), changed: false };
  const ended = (row: number, timeNs: number): void => {
    arrivals.push(timeNs + latencyNs, row);
    coming.set(row, timeNs + latencyNs);
    moves.changed = moves.onWay.delete(row) || moves.changed;
  };
  const moves: KvMoves = { ...shared, transfer, arrivals, ended, ...(ways === undefined ? ownLinks(transfer, replicas) : overWays(ways)) };
  return moves;
}

function overWays(ways: KvWays): Pick<KvMoves, "network" | "way"> {
  return { network: createFlowNetwork(ways.links), way: ways.way };
}

/** Each replica has one link out and one in. */
function ownLinks(transfer: KvMoves["transfer"], replicas: number): Pick<KvMoves, "network" | "way"> {
  const bytesPerSecond = transfer.bandwidthBytesPerSecond!;
  const links = Array.from({ length: 2 * replicas }, () => ({ bytesPerSecond }));
  const own = { path: new Int32Array(2), channels: 1, aloneBytesPerSecond: bytesPerSecond };
  const way = (source: number, target: number) => {
    own.path[0] = 2 * source;
    own.path[1] = 2 * target + 1;
    return own;
  };
  return { network: createFlowNetwork(links), way };
}

/** When the next transfer ends or its KV is usable; Infinity where nothing moves. */
export function nextMoveNs(moves: KvMoves): number {
  const arrival = moves.arrivals.peekTime() ?? Infinity;
  if (moves.network.size === 0 && moves.network.nextFinish() === undefined) return arrival;
  return Math.min(arrival, moves.network.nextFinish()?.timeNs ?? Infinity);
}

/** Starts the transfers for which a replica has just made room. The decode row of request i is `count + i`. */
export function startFetches(run: ServingRun, replica: ServingReplica, nowNs: number): void {
  const { fetches } = replica;
  if (fetches.size === 0) return;
  run.moves?.network.advance(nowNs, run.moves.ended);
  for (let i = 0; i < fetches.size; i++) {
    const row = itemAt(fetches, i);
    // What a decode replica took back and admits again has its KV at no prefill replica any more.
    if (run.kept.has(row - run.input.requests.count)) startTransfer(run, row, replica.index, nowNs);
    else loadFromTier(run, row, replica.index, nowNs);
  }
  fetches.size = 0;
  repriceBesideKv(run, { nowNs, acted: replica.index, acting: replica.index });
}

function startTransfer(run: ServingRun, row: number, target: number, nowNs: number): void {
  const { moves, context } = run;
  assert(moves !== undefined, "KV is fetched where none is moved");
  const source = context.requests.at[row - run.input.requests.count]!;
  recordDecision(context.log, DECISION.transfer, target, row, nowNs, context.requests.fetched[row]!);
  run.coming.set(row, -1);
  const { transfer } = moves;
  const { path, channels, aloneBytesPerSecond } = moves.way(source, target);
  noteOnWay(moves, row, [source, target]);
  const most = transfer.ways === undefined ? undefined : transfer.bandwidthBytesPerSecond;
  const bytes = bytesLeft(run, row, { nowNs, rate: Math.min(aloneBytesPerSecond, most ?? aloneBytesPerSecond) });
  // All channels move at one rate, so a flow of one of them over the links of all is the transfer.
  moves.network.start(row, path, { bytes: bytes / channels, nowNs }, most === undefined ? {} : { bytesPerSecondMax: most / channels });
}

/** Breaks a transfer off: one of its ends is lost. */
export function breakOffTransfer(run: ServingRun, row: number, nowNs: number): void {
  const moves = run.moves!;
  moves.network.advance(nowNs, moves.ended);
  if (run.coming.get(row) === -1) moves.network.cancel(row, nowNs);
  moves.changed = moves.onWay.delete(row) || moves.changed;
  run.coming.delete(row);
  // Replicas come and go before any acts.
  repriceBesideKv(run, { nowNs, acted: 0 });
  recordDecision(run.context.log, DECISION.breakOff, run.context.requests.at[row]!, row, nowNs, 0);
}

/** Has KV brought from the tier outside a replica's devices: one request after the other. */
function loadFromTier({ context, lanes, loads, coming, split }: ServingRun, row: number, index: number, nowNs: number): void {
  const lane = lanes[index]!;
  const tokens = context.requests.fetched[row]!;
  lane.tierFreeNs = Math.max(lane.tierFreeNs, nowNs) + Math.max(1, Math.round(tokens * lane.tierTokenNs));
  recordDecision(context.log, split ? DECISION.load : DECISION.transfer, index, row, nowNs, tokens);
  loads.push(lane.tierFreeNs, row);
  coming.set(row, lane.tierFreeNs);
}

/** KV from the tier outside is there: its request may run. */
export function finishLoad(run: ServingRun, nowNs: number): void {
  const request = run.loads.pop()!;
  if (run.coming.get(request) !== nowNs) return;
  run.coming.delete(request);
  const { requests } = run.context;
  const index = requests.at[request]!;
  settleReplica(run, index, nowNs, true);
  kvArrived(run.replicas[index]!, requests, request);
  nudge(run, index, nowNs);
}

/**
 * Bytes that still have to move when the prompt is computed. Layer by layer, those of a layer leave while the next one is computed, as fast as
 * the link alone would let them; at least the last layer's are left.
 */
function bytesLeft(
  { input, moves, firstTokenNs, context }: ServingRun,
  row: number,
  { nowNs, rate }: { nowNs: number; rate: number },
): number {
  const { bytesPerToken, layerwise, layers } = moves!.transfer;
  // A message that moves nothing still says so.
  const all = Math.max(1, Math.ceil(context.requests.fetched[row]! * bytesPerToken));
  if (!layerwise) return all;
  const request = row - input.requests.count;
  // A decode replica that had no room in time takes them later, all at once; so do those of a prompt that was computed anew.
  if (nowNs > firstTokenNs[request]!) return all;
  const computing = ((firstTokenNs[request]! - context.requests.admittedNs[request]!) * (layers - 1)) / layers;
  return Math.ceil(Math.max(all / layers, all - (computing * rate) / 1e9));
}

/** What moved until `nowNs`: KV becomes usable at its decode replica and is freed where it was computed. */
export function advanceMoves(run: ServingRun, nowNs: number): void {
  const moves = run.moves!;
  moves.network.advance(nowNs, moves.ended);
  repriceBesideKv(run, { nowNs, acted: run.replicas.length });
  while ((moves.arrivals.peekTime() ?? Infinity) <= nowNs) {
    const atNs = moves.arrivals.peekTime();
    const row = moves.arrivals.pop()!;
    if (run.coming.get(row) !== atNs) continue;
    run.coming.delete(row);
    const { requests } = run.context;
    if (row >= 2 * run.input.requests.count) {
      const request = imageArrived(run, row);
      if (request < 0) continue;
      const index = requests.at[request]!;
      settleReplica(run, index, nowNs, true);
      joinQueue(run, request, { index, nowNs, cachedTokens: run.encoding!.cached[request]! });
      continue;
    }
    const prefill = row - run.input.requests.count;
    const source = requests.at[prefill]!;
    settleReplica(run, source, nowNs, true);
    letGo(run.replicas[source]!, requests, prefill);
    run.kept.delete(prefill);
    nudge(run, source, nowNs);
    const target = requests.at[row]!;
    settleReplica(run, target, nowNs, true);
    kvArrived(run.replicas[target]!, requests, row);
    nudge(run, target, nowNs);
  }
}

/** A replica whose queue may move now looks at it at the next end of an iteration, at once where nothing runs. */
export function nudge(run: ServingRun, index: number, nowNs: number): void {
  const replica = run.replicas[index]!;
  if (replica.waiting.size + replica.arrived.size === 0) return;
  if (replica.executing.active) cutLeap(run, index);
  else setWake(run.wakes, index, nowNs);
}
