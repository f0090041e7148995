import type { SpeedReading } from "../cost/speed-now.ts";
import type { TextFront } from "../execute/front-end/text-front.ts";
import { BLOCK_TOKENS } from "../state/block.ts";
import type { GaugeValues } from "../telemetry/serving-metrics.ts";
import { version } from "../version.ts";

const NS_PER_S = 1e9;

/** The gauges of a fleet as it is now. */
export function fleetGauges({ fleet, pages }: Pick<TextFront, "fleet" | "pages">): GaugeValues {
  const { status } = fleet;
  // Reports are a little old: no more requests run than there are.
  const reported = status.reduce((sum, { report }) => sum + (report?.running ?? 0), 0);
  const running = Math.min(reported, fleet.live);
  const free = status.reduce((sum, { report }, replica) => sum + (report?.freePages ?? pages[replica] ?? 0), 0);
  const all = pages.reduce((sum, count) => sum + count, 0);
  const loads = status.flatMap(({ load }, replica) => (load === undefined ? [] : [{ load, replica: String(replica) }]));
  const states = ["starting", "up", "down", "given-up"] as const;
  return {
    running: [{ value: running }],
    waiting: [{ value: fleet.live - running }],
    kvUsage: [{ value: all === 0 ? 0 : (all - free) / all }],
    cacheConfig: [{ labels: { block_size: String(BLOCK_TOKENS), num_gpu_blocks: String(all) }, value: 1 }],
    replicas: states.map((state) => ({ labels: { state }, value: status.filter((replica) => replica.state === state).length })),
    hostLosses: status.map(({ losses }, replica) => ({ labels: { replica: String(replica) }, value: losses })),
    tasks: loads.map(({ load, replica }) => ({ labels: { replica }, value: load.tasks })),
    kvBytes: loads.map(({ load, replica }) => ({ labels: { replica }, value: load.kvBytes })),
    stageBusy: loads.flatMap(({ load, replica }) =>
      load.stageNs.map((ns, stage) => ({ labels: { replica, stage: String(stage) }, value: ns / NS_PER_S })),
    ),
    stepTime: status.flatMap(({ speed }, replica) => speedGauges(speed, String(replica))),
    build: [{ labels: { version }, value: 1 }],
  };
}

function speedGauges(speed: SpeedReading | undefined, replica: string): { labels: Record<string, string>; value: number }[] {
  if (speed === undefined) return [];
  const phases = { all: speed.timeRatio, decode: speed.decode, prefill: speed.prefill };
  return Object.entries(phases).flatMap(([phase, value]) => (value === undefined ? [] : [{ labels: { replica, phase }, value }]));
}
