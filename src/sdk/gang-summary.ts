import type { DeviceId } from "../engine/dataflow/dataflow-types.ts";
import type { GangRow } from "../execute/gang/run-rank.ts";
import type { Rack } from "../rack/rack.ts";
import type { GangMemberSummary } from "./sdk-types.ts";

/** What each member of a gang's run did; undefined for a run on one device. */
export function memberSummaries(
  { devices: rows }: Rack,
  devices: readonly DeviceId[],
  members: readonly (readonly GangRow[])[] | undefined,
): readonly GangMemberSummary[] | undefined {
  return members?.map((own, member) => {
    const exchanges = own.filter(({ kind }) => kind === "collective");
    const sum = (some: readonly GangRow[], of: "ns" | "movedBytes"): number => some.reduce((total, row) => total + row[of], 0);
    return {
      device: rows[devices[member]!]!.id,
      runNs: sum(own, "ns") - sum(exchanges, "ns"),
      collectives: exchanges.length,
      collectiveNs: sum(exchanges, "ns"),
      collectiveBytes: sum(exchanges, "movedBytes"),
    };
  });
}

/** Collectives of gangs, by their members. */
export interface CollectiveTotals {
  readonly devices: readonly string[];
  count: number;
  bytes: number;
  ns: number;
}

export function countCollectives(totals: Map<string, CollectiveTotals>, members: readonly GangMemberSummary[]): void {
  const devices = members.map(({ device }) => device);
  const key = devices.join(" ");
  const known = totals.get(key) ?? { devices, count: 0, bytes: 0, ns: 0 };
  totals.set(key, known);
  known.count += members[0]?.collectives ?? 0;
  // What one member sends another receives.
  known.bytes += members.reduce((sum, { collectiveBytes }) => sum + collectiveBytes, 0) / 2;
  known.ns += Math.max(...members.map(({ collectiveNs }) => collectiveNs));
}
