import { KV, type RequestTable } from "./request-table.ts";

/**
 * A request whose replica is gone: it keeps its text and computes it anew elsewhere. Tokens of the iterations under way count as delivered, at most
 * two; a first or last one does not.
 */
export function loseRequest(requests: RequestTable, request: number, hasFirst: boolean): void {
  const first = requests.keyStart[request]!;
  requests.held.fill(0, first, requests.keyStart[request + 1]!);
  requests.computed[request] = 0;
  requests.blocks[request] = 0;
  requests.ownBlocks[request] = 0;
  requests.keysDone[request] = 0;
  requests.parked[request] = -1;
  requests.pending[request] = 0;
  requests.kv[request] = KV.own;
  requests.images?.held.fill(0, requests.images.start[request], requests.images.start[request + 1]);
  if (!hasFirst) requests.left[request] = requests.output[request]!;
  else if (requests.left[request] === 0) requests.left[request] = 1;
}
