import type { Device } from "../rack/rack.ts";

/**
 * Factor by which each replica works slower when all work at once. Replicas on the same cores share them in turn; replicas on other cores of the
 * same memory cost what calibration measured of that (`concurrentSlowdown`; 1 where it was not measured). The stages of one replica never work at
 * the same time.
 */
export function slowdowns(replicas: readonly (readonly Device[])[]): readonly number[] {
  const users = new Map<string, number>();
  for (const devices of replicas) {
    for (const core of coresOf(devices)) users.set(core, (users.get(core) ?? 0) + 1);
  }
  return replicas.map((devices) => {
    const sharing = [...coresOf(devices)].reduce((most, core) => Math.max(most, users.get(core) ?? 1), 1);
    if (replicas.length === 1) return 1;
    const memory = devices.reduce((most, device) => Math.max(most, device.calibration?.concurrentSlowdown ?? 1), 1);
    return Math.max(sharing, 1) * memory;
  });
}

/** Cores a replica occupies, named with their memory so that hosts do not mix. */
function coresOf(devices: readonly Device[]): ReadonlySet<string> {
  return new Set(devices.flatMap((device) => device.cores.map((core) => `${device.memory}/${core}`)));
}
