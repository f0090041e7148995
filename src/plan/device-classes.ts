import type { Device, Rack } from "../rack/rack.ts";

/** Devices that differ only in which cores they take. */
export interface DeviceClass {
  readonly key: string;
  readonly devices: readonly Device[];
}

/** Groups the devices that can be priced by what matters to a plan; in the order of the rack. */
export function deviceClasses(devices: readonly Device[]): readonly DeviceClass[] {
  const classes = new Map<string, Device[]>();
  for (const device of devices) {
    const { kind, driver, threads, memory, calibration } = device;
    const key = JSON.stringify([kind, driver, threads, memory, calibration]);
    const members = classes.get(key);
    if (members === undefined) classes.set(key, [device]);
    else members.push(device);
  }
  return [...classes.entries()].map(([key, members]) => ({ key, devices: members }));
}

/**
 * Every sequence of `length` devices worth comparing: within a class the device whose cores are least used, so equal choices appear once.
 * A device is used twice only where `repeat` allows it. At most `limit` sequences.
 */
export function deviceSequences(
  classes: readonly DeviceClass[],
  question: { readonly length: number; readonly taken: readonly Device[]; readonly repeat: boolean; readonly limit: number },
): readonly (readonly Device[])[] {
  const sequences: (readonly Device[])[] = [];
  const extend = (chosen: readonly Device[]): void => {
    if (sequences.length >= question.limit) return;
    if (chosen.length === question.length) {
      sequences.push(chosen);
      return;
    }
    for (const { devices } of classes) {
      const next = leastUsed(devices, [...question.taken, ...chosen]);
      if (next !== undefined) extend([...chosen, next]);
      const last = chosen.at(-1);
      if (question.repeat && last !== undefined && last !== next && devices.includes(last)) extend([...chosen, last]);
    }
  };
  extend([]);
  return sequences;
}

/** The unused device of a class whose cores others use least; the first of equals. */
function leastUsed(devices: readonly Device[], used: readonly Device[]): Device | undefined {
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

/** Devices a plan may use, and why the others are left out. */
export function usableDevices(rack: Rack): { readonly usable: readonly Device[]; readonly leftOut: readonly string[] } {
  const usable = rack.devices.filter((device) => device.calibration !== undefined && device.calibration.products.length > 0);
  const leftOut = rack.devices
    .filter((device) => !usable.includes(device))
    .map((device) => `${device.id} is left out: it has no calibration, and a plan needs measured or stated times.`);
  return { usable, leftOut };
}
