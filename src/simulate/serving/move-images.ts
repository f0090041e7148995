import { assert } from "../../base/assert.ts";
import { DECISION, recordDecision } from "../../engine/serving/decision-log.ts";
import { noteOnWay, repriceBesideKv } from "./reprice-beside-kv.ts";
import type { ServingRun } from "./serving-state.ts";

/** A request on its way: the replica, when it was sent, and what is believed to be cached of its prompt there. */
export interface Sent {
  readonly index: number;
  readonly nowNs: number;
  readonly cachedTokens: number;
}

/**
 * What encoders made of a request's images starts to move to its replica, each image from where it was encoded; it waits for the last one. Transfers share links
 * with KV and with one another.
 */
export function moveImages(run: ServingRun, request: number, { index, nowNs, cachedTokens }: Sent): void {
  const { moves, encoding, input, context } = run;
  assert(moves !== undefined && encoding !== undefined, "images move where none are encoded apart", request);
  moves.network.advance(nowNs, moves.ended);
  const { start, work } = input.requests.images!;
  const { imageBytesPerToken = 0, ways, bandwidthBytesPerSecond } = moves.transfer;
  const most = ways === undefined ? undefined : bandwidthBytesPerSecond;
  context.requests.at[request] = index;
  encoding.cached[request] = cachedTokens;
  encoding.coming[request] = start[request + 1]! - start[request]!;
  for (let image = start[request]!; image < start[request + 1]!; image++) {
    const tokens = work!.tokens[image]!;
    recordDecision(context.log, DECISION.embed, index, request, nowNs, tokens);
    const { path, channels } = moves.way(encoding.source[image]!, index);
    const bytes = Math.max(1, Math.ceil(tokens * imageBytesPerToken));
    const row = imageRow(run, image);
    run.coming.set(row, -1);
    noteOnWay(moves, row, [encoding.source[image]!, index]);
    moves.network.start(row, path, { bytes: bytes / channels, nowNs }, most === undefined ? {} : { bytesPerSecondMax: most / channels });
  }
  repriceBesideKv(run, { nowNs, acted: run.acted });
}

/** Rows of moves behind those of requests are images. */
function imageRow({ input }: ServingRun, image: number): number {
  return 2 * input.requests.count + image;
}

/** What was made of an image has come; the request whose last one it was, or -1. */
export function imageArrived(run: ServingRun, row: number): number {
  const encoding = run.encoding!;
  const request = encoding.requestOf[row - 2 * run.input.requests.count]!;
  encoding.coming[request]! -= 1;
  return encoding.coming[request] === 0 ? request : -1;
}
