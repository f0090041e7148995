import type { DeviceFigures } from "./device-figures.ts";
import type { StreamConstants } from "./physics-constants.ts";

/**
 * Time of element-wise work.
 *
 * Model: what fits in the last-level cache was left there by the kernel before and moves faster than memory; beyond it the share that is found falls with size.
 * Units: ns.
 */
export function streamNs(device: DeviceFigures, constants: StreamConstants, bytes: number): number {
  const fits = constants.cacheFit * device.cacheBytes;
  const found = bytes <= fits ? bytes : (fits * fits) / bytes;
  return (
    constants.launchNs + (bytes - found) / (device.bytesPerNs * constants.memoryShare) + found / (device.bytesPerNs * constants.cacheGain)
  );
}
