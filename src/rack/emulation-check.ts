import type { Device, PeakType, Rack } from "./rack.ts";
import type { RackFault } from "./rack-fault.ts";

/** The driver that obeys an `emulation`. */
export const EMULATED_DRIVER = "emulated";

/** Formats that inputs can be rounded to. */
const ROUNDED: readonly PeakType[] = ["bf16", "f16", "i8"];

/** What of an emulated device contradicts the rest of the rack; `path` within the device. */
export function checkEmulation(device: Device, rack: Rack): RackFault | undefined {
  const { emulation, driver, peaks = [], memory, calibration } = device;
  if (driver !== EMULATED_DRIVER && emulation === undefined) return undefined;
  if (emulation === undefined) return { path: ["emulation"], message: `driver ${EMULATED_DRIVER} needs it: what the device is like` };
  if (driver !== EMULATED_DRIVER) return { path: ["emulation"], message: `only devices of driver ${EMULATED_DRIVER} have it` };
  if (calibration !== undefined)
    return { path: ["calibration"], message: "an emulated device's time follows from its figures: nothing of it was measured" };
  if (!peaks.some(({ type }) => type === emulation.format))
    return { path: ["emulation", "format"], message: `the device has no peak for ${emulation.format}` };
  if (rack.devices.some((other) => other.id !== device.id && other.memory === memory))
    return { path: ["memory"], message: "an emulated device has a memory of its own: its bandwidth is slowed with it" };
  if (emulation.rounding === "inputs" && !ROUNDED.includes(emulation.format))
    return { path: ["emulation", "rounding"], message: `inputs can be rounded to ${ROUNDED.join(", ")}, not to ${emulation.format}` };
  const { shapes } = emulation;
  if (shapes.type === "bucketed" && shapes.sizes.some((size, i) => i > 0 && size <= shapes.sizes[i - 1]!))
    return { path: ["emulation", "shapes", "sizes"], message: "sizes must rise" };
  return undefined;
}
