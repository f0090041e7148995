import type { ServingRun } from "./serving-state.ts";

/** Clients that waited for a request to end think, then send their next one. */
export function releaseClients(run: ServingRun, request: number, nowNs: number): void {
  if (run.firstAfter.length === 0) return;
  for (let next = run.firstAfter[request]!; next >= 0; next = run.nextAfter[next]!) {
    run.spawned.push(nowNs + (run.input.requests.thinkNs?.[next] ?? 0), next);
  }
}
