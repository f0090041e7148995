import type { DeploymentRun } from "../../simulate/deployment/deployment-run.ts";
import type { ServingOutcome } from "../../simulate/serving/serving-input.ts";
import type { Slice, Timeline, Track } from "../../trace/timeline.ts";

/** Requests a timeline shows: viewers slow down beyond some tens of thousands of slices. */
export const TIMELINE_REQUESTS_MAX = 5000;

/**
 * A run for a timeline viewer: a track a replica, and of each request its waiting, its prompt up to the first token, and its answer. The first
 * `TIMELINE_REQUESTS_MAX` requests.
 */
export function servingTimeline({ deployment, pools, requests }: DeploymentRun, outcome: ServingOutcome): Timeline {
  const tracks: Track[] = pools.flatMap(({ pool }, p) =>
    Array.from({ length: pool.replicas }, (_, i) => ({ id: `${p}.${i}`, kind: "device" as const, name: `${pool.name} ${i}` })),
  );
  const slices: Slice[] = [];
  const shown = Math.min(requests.count, TIMELINE_REQUESTS_MAX);
  for (let i = 0; i < shown; i++) {
    const [queued, scheduled, first, last] = [
      outcome.queuedNs[i]!,
      outcome.scheduledNs[i]!,
      outcome.firstTokenNs[i]!,
      outcome.lastTokenNs[i]!,
    ];
    const track = tracks[outcome.replica[i]!]?.id;
    if (track === undefined || scheduled < 0 || first < 0 || last < 0) continue;
    const args = {
      request: i,
      promptTokens: requests.promptTokens[i]!,
      outputTokens: requests.outputTokens[i]!,
      cachedTokens: Math.max(0, outcome.cachedTokens[i]!),
    };
    const slice = (kind: Slice["kind"], name: string, startNs: number, endNs: number): Slice => ({
      track,
      kind,
      name: `${name} ${i}`,
      startNs,
      endNs,
      args,
    });
    if (scheduled > queued) slices.push(slice("wait", "waits", queued, scheduled));
    slices.push(slice("load", "prompt", scheduled, first));
    if (last > first) slices.push(slice("compute", "answer", first, last));
  }
  const left = requests.count - shown;
  return {
    name: `${deployment.model}${left === 0 ? "" : `, the first ${shown} of ${requests.count} requests`}`,
    tracks,
    slices,
    flows: [],
  };
}
