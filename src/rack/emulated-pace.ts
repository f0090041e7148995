import { NS_PER_S } from "../base/units.ts";
import type { HiddenDeviations } from "./hidden-deviations.ts";
import type { Device, Link, Memory, Rack } from "./rack.ts";

/**
 * The rack as its emulated devices are seen from outside: figures in wall time, so that estimates made from them stand beside measured ones.
 *
 * Model: peaks, memory bandwidth and links are divided, overheads multiplied by the slowdown; a link has the larger slowdown of its ends.
 */
export function rackAtPace(rack: Rack): Rack {
  if (rack.devices.every(({ emulation }) => emulation === undefined)) return rack;
  return {
    ...rack,
    devices: rack.devices.map(deviceAtPace),
    memories: rack.memories.map((memory) =>
      memoryAtPace(memory, rack.devices.find((device) => device.memory === memory.id)?.emulation?.slowdown ?? 1),
    ),
    links: rack.links.map((link) => {
      const slowdown = linkSlowdown(rack, link);
      return { ...link, latencyNs: link.latencyNs * slowdown, bandwidthBytesPerSecond: link.bandwidthBytesPerSecond / slowdown };
    }),
  };
}

/** A device's row with its figures in wall time. */
export function deviceAtPace(device: Device): Device {
  const slowdown = device.emulation?.slowdown;
  if (slowdown === undefined) return device;
  const { peaks, overheads } = device;
  const noted = (source: string): string => `emulated, ${slowdown} times slower than: ${source}`;
  return {
    ...device,
    ...(peaks && {
      peaks: peaks.map((peak) => ({ ...peak, operationsPerSecond: peak.operationsPerSecond / slowdown, source: noted(peak.source) })),
    }),
    ...(overheads && {
      overheads: {
        ...overheads,
        launchNs: overheads.launchNs * slowdown,
        operatorNs: overheads.operatorNs * slowdown,
        source: noted(overheads.source),
      },
    }),
  };
}

/** A memory whose bandwidth is that many times slower. */
export function memoryAtPace(memory: Memory, slowdown: number): Memory {
  return slowdown === 1 ? memory : { ...memory, bandwidthBytesPerSecond: memory.bandwidthBytesPerSecond / slowdown };
}

/**
 * Wall time that bytes take over a link of the rack as it really is: what a mover of bytes paces transfers with. 1 byte or none pays the latency.
 *
 * Units: ns.
 */
export function pacedTransferNs(
  rack: Pick<Rack, "devices">,
  link: Link,
  transfer: { readonly bytes: number; readonly deviations: HiddenDeviations },
): number {
  const { bytes, deviations } = transfer;
  const factor = linkSlowdown(rack, link) / deviations.link(link.from, link.to);
  return (link.latencyNs + (bytes / link.bandwidthBytesPerSecond) * NS_PER_S) * factor;
}

/** Whether transfers over the link are to be paced at all: one of its ends is emulated. */
export function isEmulatedLink({ devices }: Pick<Rack, "devices">, { from, to }: Link): boolean {
  return devices.some(({ id, memory, emulation }) => emulation !== undefined && [from, to].some((end) => end === id || end === memory));
}

function linkSlowdown({ devices }: Pick<Rack, "devices">, { from, to }: Link): number {
  return devices.reduce((most, { id, memory, emulation }) => {
    const isEnd = [from, to].some((end) => end === id || end === memory);
    return isEnd ? Math.max(most, emulation?.slowdown ?? 1) : most;
  }, 1);
}
