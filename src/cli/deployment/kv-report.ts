import { formatNs } from "../../base/duration.ts";
import { quantity } from "../../base/quantity.ts";
import type { DeploymentRun } from "../../simulate/deployment/deployment-run.ts";
import { kvWays } from "../../simulate/deployment/kv-ways.ts";

/** Over what KV goes from prefill to decode pools, and what encode pools made of images. Units: bytes/s, ns. */
export interface KvReport {
  /** Network of the fabric file; absent: a link of each replica. */
  readonly fabric?: string;
  /** From the first prefill to the first decode replica, else from the first that encodes to the first that does all else, with nothing else on the way. */
  readonly aloneBytesPerSecond: number;
  readonly latencyNs: number;
  /** Of the fullest link, what collectives take with full batches. Ratio. */
  readonly takenByCollectives: number;
}

/** Undefined where no KV moves between pools. */
export function kvReport({ deployment: { kvTransfer }, pools }: Pick<DeploymentRun, "deployment" | "pools">): KvReport | undefined {
  if (kvTransfer === undefined) return undefined;
  const { latencyNs, bandwidthBytesPerSecond: most } = kvTransfer;
  const ways = kvWays(pools);
  if (ways === undefined) return { aloneBytesPerSecond: most!, latencyNs, takenByCollectives: 0 };
  const firstOf = (role: string): number => {
    const at = pools.findIndex(({ pool }) => pool.role === role);
    return pools.slice(0, at).reduce((sum, { pool }) => sum + pool.replicas, 0);
  };
  const has = (role: string): boolean => pools.some(({ pool }) => pool.role === role);
  const [from, to] = has("decode") ? ["prefill", "decode"] : ["encode", "both"];
  const alone = ways.way(firstOf(from), firstOf(to)).aloneBytesPerSecond;
  return { fabric: ways.name, aloneBytesPerSecond: Math.min(alone, most ?? alone), latencyNs, takenByCollectives: ways.taken };
}

/** For people. */
export function kvLines(report: KvReport | undefined): string[] {
  if (report === undefined) return [];
  const { fabric, aloneBytesPerSecond, latencyNs, takenByCollectives } = report;
  const over = fabric === undefined ? "a link of each replica" : `the fabric (${fabric})`;
  const taken = takenByCollectives === 0 ? "" : `; collectives take ${(100 * takenByCollectives).toFixed(0)} % of its fullest link`;
  return [`between pools: over ${over}, ${quantity(aloneBytesPerSecond, "B/s")} and ${formatNs(latencyNs)} alone${taken}`];
}
