import { must } from "../../base/assert.ts";
import type { Nanoseconds, Ratio } from "../../base/units.ts";
import type { Lane, StepTask } from "../../engine/replica-engine-types.ts";
import { pagesFor } from "../../state/block.ts";
import type { RunInput } from "../run/run-input.ts";
import type { RunWatcher } from "../run/watcher.ts";

/** Share of the working pages of all replicas in use: over time, and at most. */
export interface KvUse {
  readonly mean: Ratio;
  readonly peak: Ratio;
}

/** Pages of a replica's working KV over time. */
interface Meter {
  readonly lanes: Map<Lane, number>;
  readonly capacity: number;
  pages: number;
  peak: number;
  since: Nanoseconds;
  /** Pages x ns. */
  area: number;
}

/** Watches the working KV of every replica. */
export function createKvMeter(input: Pick<RunInput, "replicas">): {
  readonly watcher: RunWatcher;
  use(from: Nanoseconds, to: Nanoseconds): KvUse;
} {
  const meters = input.replicas.map(
    ({ config }): Meter => ({ lanes: new Map(), capacity: config.workingPages, pages: 0, peak: 0, since: 0, area: 0 }),
  );
  const meterOf = (replica: number): Meter => must(meters[replica], "a replica of the run");
  const watcher: RunWatcher = {
    replicaStepped: ({ replica }, { commands }, now) => {
      for (const command of commands) if (command.type === "start-task") apply(meterOf(replica), command.step, now);
    },
    hostEnded: ({ replica }, now) => {
      meterOf(replica).lanes.clear();
      setPages(meterOf(replica), now);
    },
  };
  return {
    watcher,
    use: (from, to) => {
      const capacity = meters.reduce((sum, meter) => sum + meter.capacity, 0);
      const area = meters.reduce((sum, meter) => sum + meter.area + meter.pages * Math.max(0, to - meter.since), 0);
      const peak = meters.reduce((most, meter) => Math.max(most, meter.peak / meter.capacity), 0);
      return { mean: to > from ? area / (to - from) / capacity : 0, peak };
    },
  };
}

function apply(meter: Meter, step: StepTask, now: Nanoseconds): void {
  for (const lane of step.closes) meter.lanes.delete(lane);
  for (const { lane } of step.opens) meter.lanes.set(lane, 0);
  for (const { lane, start, count } of step.rows) meter.lanes.set(lane, start + count);
  setPages(meter, now);
}

function setPages(meter: Meter, now: Nanoseconds): void {
  meter.area += meter.pages * (now - meter.since);
  meter.since = now;
  meter.pages = 0;
  for (const tokens of meter.lanes.values()) meter.pages += pagesFor(tokens);
  if (meter.pages > meter.peak) meter.peak = meter.pages;
}
