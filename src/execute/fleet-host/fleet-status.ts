import type { SpeedReading } from "../../cost/speed-now.ts";
import type { FleetCommand, FleetEvent } from "../../engine/fleet-engine-types.ts";
import type { ReplicaReport } from "../../engine/messages.ts";
import type { HostLoad } from "../replica-host/host-protocol.ts";

/** What is known of a replica now. */
export interface ReplicaStatus {
  state: "starting" | "up" | "down" | "given-up";
  incarnation: number;
  /** Hosts lost since the fleet started. */
  losses: number;
  /** Last report of its engine. */
  report: Pick<ReplicaReport, "running" | "waiting" | "freePages" | "prefillBacklogTokens"> | undefined;
  /** Totals of its present host. */
  load: HostLoad | undefined;
  /** What its steps took over what its cost model says, in the last minute of work that was looked at. */
  speed: SpeedReading | undefined;
}

export function initialStatus(replicas: number): ReplicaStatus[] {
  return Array.from({ length: replicas }, () => ({
    state: "down",
    incarnation: 0,
    losses: 0,
    report: undefined,
    load: undefined,
    speed: undefined,
  }));
}

/** Follows the fleet engine's events and commands. */
export function followFleet(status: readonly ReplicaStatus[], event: FleetEvent, commands: readonly FleetCommand[]): void {
  if (event.type === "replica-up") {
    const replica = status[event.replica];
    if (replica?.incarnation === event.incarnation) replica.state = "up";
  } else if (event.type === "message" && event.message.type === "report") {
    const replica = status[event.replica];
    if (replica !== undefined) replica.report = event.message;
  } else if (event.type === "replica-down") lose(status[event.replica], event.incarnation);
  for (const command of commands) {
    if (command.type !== "start-replica") continue;
    const replica = status[command.replica];
    if (replica === undefined) continue;
    replica.state = "starting";
    replica.incarnation = command.incarnation;
  }
}

function lose(replica: ReplicaStatus | undefined, incarnation: number): void {
  if (replica === undefined || replica.incarnation !== incarnation) return;
  // If it is started again, the command that says so comes with this very event.
  replica.state = "given-up";
  replica.losses++;
  replica.report = undefined;
  replica.load = undefined;
}
