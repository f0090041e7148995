import { countAdapter } from "./adapter-view.ts";
import { releaseClients } from "./release-clients.ts";
import { handOver } from "./route-request.ts";
import type { ServingRun } from "./serving-state.ts";

/** A row has its last token: its request goes on elsewhere, or ends, and clients that waited for it think and send their next one. */
export function rowEnded(run: ServingRun, row: number, nowNs: number): void {
  const { requests } = run.context;
  run.question.loads[requests.at[row]!]! -= 1;
  countAdapter(run.adapters, requests, row, -1);
  const { count } = run.input.requests;
  const request = row < count ? row : row - count;
  if (requests.keep[row] === 1) {
    handOver(run, row + count, nowNs, requests.at[row]!);
    return;
  }
  run.lastTokenNs[request] = nowNs;
  run.endedNs = nowNs;
  run.ended += 1;
  run.outputSum += run.input.requests.outputTokens[request]!;
  run.question.expectedTokens = run.outputSum / run.ended;
  releaseClients(run, request, nowNs);
}
