import type { DeviceDriver } from "../../src/execute/device/device-driver.ts";
import { deviceDriverByName } from "../../src/execute/device/device-driver-by-name.ts";
import { createEmulatedDriver } from "../../src/execute/drivers/emulated/driver.ts";
import { openOrtDevice, ortRuntime } from "../../src/execute/drivers/ort/device.ts";
import type { Emulation } from "../../src/rack/emulation.ts";
import type { Device } from "../../src/rack/rack.ts";
import { failingDriver } from "./failing-runtime.ts";

/** Row of an emulated device that takes no time to speak of, but for what a test gives it. */
export function emulatedRow(emulation: Partial<Emulation> = {}, row: Partial<Device> = {}): Device {
  return {
    id: "emulated-0",
    kind: "dataflow",
    driver: "emulated",
    threads: 1,
    cores: [0],
    memory: "hbm",
    peaks: [
      { type: "f32", operationsPerSecond: 1e15, basis: "data-sheet", source: "made up" },
      { type: "bf16", operationsPerSecond: 1e15, basis: "data-sheet", source: "made up" },
      { type: "f16", operationsPerSecond: 1e15, basis: "data-sheet", source: "made up" },
      { type: "i8", operationsPerSecond: 1e15, basis: "data-sheet", source: "made up" },
    ],
    emulation: {
      arithmetic: "ort",
      format: "f32",
      rounding: "none",
      shapes: { type: "dynamic" },
      residency: { type: "stay" },
      boundary: "stage",
      stateBoundary: "blocks",
      compileNs: 0,
      slowdown: 1,
      source: "made up",
      memoryBytesPerSecond: 1e14,
      ...emulation,
    },
    ...row,
  };
}

/** An emulated driver around a device that fails when it is told to. */
export async function failingEmulated(): Promise<{ readonly driver: DeviceDriver; fail(): void }> {
  const { driver, fail } = failingDriver(ortRuntime, openOrtDevice);
  return { driver: createEmulatedDriver({ arithmetic: async () => driver }), fail };
}

export function emulatedDriver(): Promise<DeviceDriver> {
  return deviceDriverByName("emulated");
}
