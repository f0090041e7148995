import type { ServingRun } from "./serving-run.ts";

/** A request has its last token: clients that waited for it think, then send their next one. */
export function requestEnded(run: ServingRun, request: number, nowNs: number): void {
  run.lastTokenNs[request] = nowNs;
  run.endedNs = nowNs;
  run.ended += 1;
  run.question.loads[run.replicaOf[request]!]! -= 1;
  run.outputSum += run.context.requests.output[request]!;
  run.question.expectedTokens = run.outputSum / run.ended;
  releaseClients(run, request, nowNs);
}

export function releaseClients(run: ServingRun, request: number, nowNs: number): void {
  if (run.firstAfter.length === 0) return;
  for (let next = run.firstAfter[request]!; next >= 0; next = run.nextAfter[next]!) {
    run.spawned.push(nowNs + (run.input.requests.thinkNs?.[next] ?? 0), next);
  }
}
