import type { KvLink, ReplicaModel } from "../slo-problem.ts";

/** What one transfer comes at: the slower of the fabric and what it reaches. Units: bytes/s. */
export function linkRate({ kvBytesPerSecond }: ReplicaModel, { bandwidthBytesPerSecond }: KvLink): number {
  return Math.min(kvBytesPerSecond ?? Number.POSITIVE_INFINITY, bandwidthBytesPerSecond ?? Number.POSITIVE_INFINITY);
}
