import { takeOut } from "../../base/int-deque.ts";
import { DECISION, recordDecision } from "../../engine/serving/decision-log.ts";
import { releaseBlocks } from "../../engine/serving/hold-blocks.ts";
import { loseRequest } from "../../engine/serving/lose-request.ts";
import { KV } from "../../engine/serving/request-table.ts";
import { countAdapter } from "./adapter-view.ts";
import { breakOffTransfer, nudge } from "./move-kv.ts";
import { handOver, routeRequest } from "./route-request.ts";
import type { ServingRun } from "./serving-state.ts";
import { settleReplica } from "./settle-replica.ts";

/**
 * A prefill replica is lost with the KV that waited there for its move: transfers are broken off, and their requests compute their text anew. The
 * requests whose prompts it computed are the caller's. Returns how many go back.
 *
 * Complexity: linear in the KV that is kept anywhere.
 */
export function loseKept(run: ServingRun, index: number, nowNs: number, againNs: number): number {
  const { requests } = run.context;
  const { count } = run.input.requests;
  let lost = 0;
  for (const request of [...run.kept]) {
    if (requests.at[request] !== index) continue;
    const row = count + request;
    const target = requests.at[row]!;
    run.kept.delete(request);
    loseRequest(requests, request, true);
    // Sent again already, or waiting for a decode replica: `routeSpawned` finds its KV gone.
    if (target < 0) continue;
    leaveDecode(run, row, target, nowNs);
    backToPrompt(run, row, index, nowNs);
    run.spawned.push(againNs, request);
    lost += 1;
  }
  return lost;
}

/** A decode row whose KV has not come leaves its replica. */
function leaveDecode(run: ServingRun, row: number, index: number, nowNs: number): void {
  const { requests } = run.context;
  const replica = run.replicas[index]!;
  settleReplica(run, index, nowNs, false);
  if (requests.kv[row] === KV.coming) {
    breakOffTransfer(run, row, nowNs);
    releaseBlocks(replica.pool, requests, row, { park: false, blockTokens: replica.blockTokens });
    replica.detached -= 1;
  } else takeOut(replica.waiting, row);
  run.question.loads[index]! -= 1;
  countAdapter(run.adapters, requests, row, -1);
  nudge(run, index, nowNs);
}

/**
 * Rows of a decode replica that is lost: what has its KV at a prefill replica still goes to another decode replica, all else back to prefill with
 * the text it has.
 */
export function loseDecodes(run: ServingRun, rows: readonly number[], { index, nowNs, againNs }: Loss): void {
  const { requests } = run.context;
  const { count } = run.input.requests;
  for (const row of rows) {
    if (!run.kept.has(row - count)) {
      backToPrompt(run, row, index, nowNs);
      run.spawned.push(againNs, row - count);
      continue;
    }
    if (requests.kv[row] === KV.coming) breakOffTransfer(run, row, nowNs);
    forgetDecode(run, row);
    run.spawned.push(againNs, row);
  }
}

export interface Loss {
  readonly index: number;
  readonly nowNs: number;
  readonly againNs: number;
}

/** The row keeps its text alone. */
function forgetDecode({ context }: ServingRun, row: number): void {
  const { requests } = context;
  const left = requests.left[row]!;
  loseRequest(requests, row, true);
  requests.left[row] = left;
  requests.kv[row] = KV.wanted;
  requests.at[row] = -1;
}

/** A request computes its prompt and the tokens it has anew, and one more token with them; its decode row waits for the rest. */
function backToPrompt(run: ServingRun, row: number, lostReplica: number, nowNs: number): void {
  const { requests, log } = run.context;
  const request = row - run.input.requests.count;
  const output = requests.output[row]!;
  // A last token that was under way is lost.
  const delivered = Math.min(output - requests.left[row]!, output - 1);
  run.coming.delete(row);
  forgetDecode(run, row);
  requests.left[row] = output - delivered - 1;
  loseRequest(requests, request, true);
  requests.output[request] = delivered + 1;
  requests.left[request] = 1;
  requests.keep[request] = requests.left[row] > 0 ? 1 : 0;
  recordDecision(log, DECISION.restart, lostReplica, request, nowNs, delivered);
}

/** What happened before brings a row: a request of a closed loop, one that is sent again, or one that looks for another decode replica. */
export function routeSpawned(run: ServingRun, row: number, nowNs: number): void {
  const request = row - run.input.requests.count;
  if (request < 0) routeRequest(run, row, nowNs, true);
  else if (run.kept.has(request)) handOver(run, row, nowNs, run.replicas.length);
  else {
    backToPrompt(run, row, run.context.requests.at[request]!, nowNs);
    run.available.resent += 1;
    routeRequest(run, request, nowNs, true);
  }
}
