import type { Ratio } from "../../base/units.ts";

/** What a device shares with others of its host. */
export interface DeviceSharing {
  /** Names of the cores it works on; two devices on one core halve each other. */
  readonly cores: readonly string[];
  readonly memory: string;
  /** Factor (>= 1) by which its times grow while all other cores of its memory work. */
  readonly concurrentSlowdown: Ratio;
}

/** How fast a device works while certain others do; 1 is alone. */
export type DeviceRate = (device: string, working: ReadonlySet<string>) => Ratio;

/**
 * Rates of devices that share cores and memory.
 *
 * Model: a core is shared in turn by the devices that work on it; the slowdown by the memory grows with the share of its other cores at work.
 */
export function createDeviceRates(sharing: ReadonlyMap<string, DeviceSharing>): DeviceRate {
  const coresOfMemory = new Map<string, Set<string>>();
  for (const { cores, memory } of sharing.values()) {
    const all = coresOfMemory.get(memory) ?? new Set();
    for (const core of cores) all.add(core);
    coresOfMemory.set(memory, all);
  }
  return (device, working) => {
    const own = sharing.get(device);
    if (own === undefined || working.size < 2) return 1;
    const others = new Set<string>();
    const users = new Map<string, number>();
    for (const other of working) {
      const facts = sharing.get(other);
      if (facts === undefined || facts.memory !== own.memory) continue;
      for (const core of facts.cores) {
        users.set(core, (users.get(core) ?? 0) + 1);
        if (!own.cores.includes(core)) others.add(core);
      }
    }
    const turns = own.cores.reduce((most, core) => Math.max(most, users.get(core) ?? 1), 1);
    const elsewhere = (coresOfMemory.get(own.memory)?.size ?? 0) - own.cores.length;
    const share = elsewhere > 0 ? others.size / elsewhere : 0;
    return 1 / (turns * (1 + (own.concurrentSlowdown - 1) * share));
  };
}
