import { must } from "../base/assert.ts";
import type { Device, Rack } from "../rack/rack.ts";
import { isWholeModel } from "./whole-model.ts";

/** Devices that differ only in which cores they take, or in which of several equal memories they have for themselves. */
export interface DeviceClass {
  readonly key: string;
  readonly devices: readonly Device[];
  /** Each has a memory for itself. */
  readonly ownMemory: boolean;
}

/**
 * Groups the devices that can be priced by what matters to a plan; in the order of the rack. A device that a plan names (`apart`) is a class of its own.
 */
export function deviceClasses(rack: Rack, devices: readonly Device[], apart: readonly string[] = []): readonly DeviceClass[] {
  const classes = new Map<string, { readonly devices: Device[]; readonly ownMemory: boolean }>();
  for (const device of devices) {
    const { id, kind, driver, threads, calibration } = device;
    const named = apart.includes(id);
    const ownMemory = !named && devices.every((other) => other === device || other.memory !== device.memory);
    const memory = ownMemory ? memoryText(rack, device.memory) : device.memory;
    const key = JSON.stringify([named ? id : "", kind, driver, threads, ownMemory, memory, calibration]);
    const members = classes.get(key);
    if (members === undefined) classes.set(key, { devices: [device], ownMemory });
    else members.devices.push(device);
  }
  return [...classes.entries()].map(([key, found]) => ({ key, ...found }));
}

/** What makes two memories alike. */
function memoryText({ memories }: Rack, id: string): string {
  const { tier, capacityBytes, bandwidthBytesPerSecond } = must(
    memories.find((memory) => memory.id === id),
    "a device's memory is in the rack",
  );
  return [tier, capacityBytes, bandwidthBytesPerSecond].join(" ");
}

/** The unused device of a class whose cores others use least; the first of equals. */
export function leastUsed(devices: readonly Device[], used: readonly Device[]): Device | undefined {
  let best: Device | undefined;
  let bestUse = Infinity;
  for (const device of devices) {
    if (used.includes(device)) continue;
    const use = used.filter((other) => other.memory === device.memory && other.cores.some((core) => device.cores.includes(core))).length;
    if (use < bestUse) {
      best = device;
      bestUse = use;
    }
  }
  return best;
}

/** Devices a plan may use in stages, and why the others are left out; those that run only whole models are another matter. */
export function usableDevices(rack: Rack): { readonly usable: readonly Device[]; readonly leftOut: readonly string[] } {
  const usable = rack.devices.filter((device) => device.calibration !== undefined && device.calibration.products.length > 0);
  const leftOut = rack.devices
    .filter((device) => !usable.includes(device) && !isWholeModel(device))
    .map((device) => `${device.id} is left out: it has no calibration, and a plan needs measured or stated times.`);
  return { usable, leftOut };
}
