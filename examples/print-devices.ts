import type { OpenRack } from "heddle";

/** What each device of the rack did, a line each. */
export function printDevices(rack: OpenRack): void {
  for (const { id, tasks, busyNs } of rack.report().devices) {
    if (tasks > 0) process.stdout.write(`${id}: ${tasks} runs, busy for ${Math.round(busyNs / 1e6)} ms\n`);
  }
}
