import type { Device, Rack } from "./rack.ts";

/** The rack with rows of emulated devices that need no other row to be run: each knows the bandwidth of its memory. */
export function withWholeRows(rack: Rack): Rack {
  if (rack.devices.every(({ emulation }) => emulation === undefined)) return rack;
  return {
    ...rack,
    devices: rack.devices.map((device) => {
      const memory = rack.memories.find(({ id }) => id === device.memory);
      if (device.emulation === undefined || memory === undefined) return device;
      return { ...device, emulation: { ...device.emulation, memoryBytesPerSecond: memory.bandwidthBytesPerSecond } };
    }),
  };
}

/** The rack as its file has it. */
export function withFileRows(rack: Rack): Rack {
  return { ...rack, devices: rack.devices.map(fileRow) };
}

function fileRow(device: Device): Device {
  if (device.emulation?.memoryBytesPerSecond === undefined) return device;
  const { memoryBytesPerSecond: _filled, ...emulation } = device.emulation;
  return { ...device, emulation };
}
