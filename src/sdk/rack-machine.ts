import { must } from "../base/assert.ts";
import type { DataflowRack, DeviceClassId, LinkSpec, MemorySpec } from "../engine/dataflow/dataflow-types.ts";
import { type DeviceFigures, deviceFiguresOf } from "../inspect/classify/device-figures.ts";
import type { Device, Link, Rack } from "../rack/rack.ts";
import { FRONT_END } from "../rack/rack-check.ts";

/** A rack as the engine schedules it; device and class numbers are places in these lists. */
export interface RackMachine {
  readonly rack: Rack;
  readonly dataflow: DataflowRack;
  /** A row for each class. */
  readonly figures: readonly DeviceFigures[];
  readonly classOf: readonly DeviceClassId[];
  /** Bytes a device may hold, by device. */
  readonly memoryBytes: readonly number[];
}

/**
 * What a hand-over between two workers is taken to cost before the first one has been measured, where the rack file has no link: a message between
 * processes on one machine. Reports call such links uncalibrated until then.
 */
const UNMEASURED_LINK = { latencyNs: 200_000, bandwidthBytesPerSecond: 1e9 };

/**
 * A rack's devices, each with a memory of its own (an even part where several share one), and links between all of them and home.
 *
 * `ownHosts`: every device is a fault domain of its own whatever host its row names, as when they run in this process.
 */
export function rackMachine(rack: Rack, options: { readonly ownHosts: boolean }): RackMachine {
  const figures = deviceFiguresOf(rack);
  const keys = rack.devices.map((device) =>
    classKey(
      device,
      must(
        figures.find(({ id }) => id === device.id),
        "a device has figures",
      ),
    ),
  );
  const classes = [...new Set(keys)];
  const hosts: string[] = [];
  const memories: MemorySpec[] = [{ host: 0 }];
  const memoryBytes: number[] = [];
  const devices = rack.devices.map((device, at) => {
    const shared = device.host !== undefined && device.address === undefined && !options.ownHosts;
    const name = shared ? `host ${device.host}` : `device ${device.id}`;
    if (!hosts.includes(name)) hosts.push(name);
    const host = hosts.indexOf(name) + 1;
    const sharers = rack.devices.filter(({ memory }) => memory === device.memory).length;
    const { capacityBytes } = must(
      rack.memories.find(({ id }) => id === device.memory),
      "a device's memory is in the rack",
    );
    memoryBytes.push(Math.floor(capacityBytes / sharers));
    memories.push({ host, capacityBytes: memoryBytes[at]! });
    return { class: classes.indexOf(keys[at]!), memory: at + 1, host };
  });
  return {
    rack,
    dataflow: { memories, classes: classes.map(() => ({})), devices, links: linksOf(rack) },
    figures: classes.map((key) => figures[keys.indexOf(key)]!),
    classOf: devices.map((device) => device.class),
    memoryBytes,
  };
}

/** Devices of one key are alike: what is measured on one is expected of the other. */
function classKey(device: Device, { peaks, bandwidth, overheads }: DeviceFigures): string {
  const { id: _id, host: _host, address: _address, memory: _memory, cores, ...rest } = device;
  return JSON.stringify([rest, cores.length, peaks, bandwidth, overheads]);
}

function linksOf({ devices, links }: Rack): readonly LinkSpec[] {
  const ends = [FRONT_END, ...devices.map(({ id }) => id)];
  return ends.flatMap((from, source) =>
    ends.flatMap((to, target): LinkSpec[] => {
      if (source === target) return [];
      const { latencyNs, bandwidthBytesPerSecond }: Pick<Link, "latencyNs" | "bandwidthBytesPerSecond"> =
        links.find((link) => link.from === from && link.to === to) ?? UNMEASURED_LINK;
      return [{ source, target, latencyNs, bytesPerSecond: bandwidthBytesPerSecond, channel: source * ends.length + target }];
    }),
  );
}
