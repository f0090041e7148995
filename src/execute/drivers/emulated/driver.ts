import { HeddleError } from "../../../base/heddle-error.ts";
import { EMULATED_DRIVER } from "../../../rack/emulation-check.ts";
import type { DeviceDriver } from "../../device/device-driver.ts";
import { openEmulated } from "./open-emulated.ts";

export interface EmulatedDriverOptions {
  /** The driver whose arithmetic a description names. Errors: `driver-missing`. */
  readonly arithmetic: (name: string) => Promise<DeviceDriver>;
  /** For tests of what is done about failures: from this run on, counted from 1, every call ends with `device-failed`. */
  readonly failAtRun?: number;
}

/**
 * Stands in for devices that are not there: computes with another driver and obeys the `emulation` of the device's row (`rack/emulation.ts`).
 *
 * All times and rates that it tells are of the wall clock, slowdown included, so that they can stand beside those of devices that are there.
 */
export function createEmulatedDriver(options: EmulatedDriverOptions): DeviceDriver {
  return {
    id: EMULATED_DRIVER,
    open: async ({ device, memoryBytes, cacheFolder }) => {
      const { emulation: _described, target: _target, ...row } = device;
      const { emulation } = device;
      if (emulation?.memoryBytesPerSecond === undefined) {
        const missing =
          emulation === undefined ? "its row has no emulation" : "its row does not say how fast its memory is; `readRack` fills that in";
        throw new HeddleError("device-failed", { where: device.id, detail: missing });
      }
      const driver = await options.arithmetic(emulation.arithmetic);
      // What the device can hold is counted here; padded copies that the arithmetic needs are not the device's.
      const inner = await driver.open({
        device: { ...row, driver: emulation.arithmetic },
        memoryBytes: Number.MAX_SAFE_INTEGER,
        ...(cacheFolder === undefined ? {} : { cacheFolder }),
      });
      return openEmulated({ device, emulation, memoryBytes, inner, failAtRun: options.failAtRun ?? Infinity });
    },
  };
}
