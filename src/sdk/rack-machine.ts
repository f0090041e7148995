import { must } from "../base/assert.ts";
import type { Bytes, Nanoseconds } from "../base/units.ts";
import type { DataflowRack, DeviceClassId, DeviceClassSpec, LinkId, LinkSpec, MemorySpec } from "../engine/dataflow/dataflow-types.ts";
import { type DeviceFigures, deviceFiguresOf } from "../inspect/classify/device-figures.ts";
import { isEmulatedLink, pacedTransferNs, rackAtPace } from "../rack/emulated-pace.ts";
import { rackDeviations } from "../rack/hidden-deviations.ts";
import type { Device, Link, Rack } from "../rack/rack.ts";
import { FRONT_END } from "../rack/rack-check.ts";

/** A rack as the engine schedules it; device and class numbers are places in these lists. */
export interface RackMachine {
  readonly rack: Rack;
  readonly dataflow: DataflowRack;
  /** A row for each class; of emulated devices in wall time. */
  readonly figures: readonly DeviceFigures[];
  /** What a stage takes to become ready, by class, before that was measured. */
  readonly loading: readonly StageLoading[];
  readonly classOf: readonly DeviceClassId[];
  /** Bytes a device may hold, by device. */
  readonly memoryBytes: readonly number[];
  /** Wall time that a transfer over a link of an emulated device takes; undefined for links that are as fast as they are. */
  pacedNs(link: LinkId, bytes: Bytes): Nanoseconds | undefined;
}

export interface StageLoading {
  readonly loadNs: Nanoseconds;
  readonly compileNs: Nanoseconds;
}

/** Reading weights and compiling a stage, before it was measured. */
const LOADING: StageLoading = { loadNs: 5_000_000, compileNs: 20_000_000 };

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
  const paced = rackAtPace(rack);
  const figures = deviceFiguresOf(paced);
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
  const machines: string[] = [];
  const machineOf = ({ address, emulation }: Device): { readonly machine?: number } => {
    // What an emulated device takes follows from its description, not from the cores that compute for it.
    if (emulation !== undefined) return {};
    const name = address?.replace(/:\d+$/, "") ?? "";
    if (!machines.includes(name)) machines.push(name);
    return { machine: machines.indexOf(name) };
  };
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
    return { class: classes.indexOf(keys[at]!), memory: at + 1, host, ...machineOf(device) };
  });
  const first = classes.map((key) => keys.indexOf(key));
  const deviations = rackDeviations(rack);
  const links = linksOf(paced);
  return {
    rack,
    dataflow: {
      memories,
      classes: first.map((device) => residencyOf(rack.devices[device]!)),
      devices,
      links: links.map(({ spec }) => spec),
    },
    figures: first.map((device) => figures[device]!),
    loading: first.map((device) => loadingOf(rack.devices[device]!)),
    classOf: devices.map((device) => device.class),
    memoryBytes,
    pacedNs: (link, bytes) => {
      const row = rack.links[links[link]!.row];
      return row === undefined || !isEmulatedLink(rack, row) ? undefined : pacedTransferNs(rack, row, { bytes, deviations });
    },
  };
}

function residencyOf({ emulation }: Device): DeviceClassSpec {
  return emulation?.residency.type === "reconfigure" ? { residentMax: emulation.residency.stages } : {};
}

function loadingOf({ emulation }: Device): StageLoading {
  if (emulation === undefined) return LOADING;
  const { residency, compileNs, slowdown } = emulation;
  const loadNs = residency.type === "reconfigure" ? residency.reconfigureNs * slowdown : 0;
  return { loadNs: LOADING.loadNs + loadNs, compileNs: LOADING.compileNs + compileNs };
}

/** Devices of one key are alike: what is measured on one is expected of the other. */
function classKey(device: Device, { peaks, bandwidth, overheads }: DeviceFigures): string {
  const { id: _id, host: _host, address: _address, memory: _memory, cores, ...rest } = device;
  return JSON.stringify([rest, cores.length, peaks, bandwidth, overheads]);
}

/** A link of the rack file, given one way, is there both ways. `row`: its place in the file, -1 for none. */
function linksOf({ devices, links }: Rack): readonly { readonly spec: LinkSpec; readonly row: number }[] {
  const ends = [FRONT_END, ...devices.map(({ id }) => id)];
  const rowOf = (from: string, to: string): number => links.findIndex((link) => link.from === from && link.to === to);
  return ends.flatMap((from, source) =>
    ends.flatMap((to, target) => {
      if (source === target) return [];
      const forward = rowOf(from, to);
      const row = forward === -1 ? rowOf(to, from) : forward;
      const { latencyNs, bandwidthBytesPerSecond }: Pick<Link, "latencyNs" | "bandwidthBytesPerSecond"> = links[row] ?? UNMEASURED_LINK;
      const spec = { source, target, latencyNs, bytesPerSecond: bandwidthBytesPerSecond, channel: source * ends.length + target };
      return [{ spec, row }];
    }),
  );
}
