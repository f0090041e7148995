import { HeddleError } from "../../base/heddle-error.ts";
import type { DeviceDriver } from "./device-driver.ts";

/** Drivers of `drivers/`, each loaded when it is asked for: their libraries are optional. */
const DRIVERS: Readonly<Record<string, () => Promise<DeviceDriver>>> = {
  ipu: async () => (await import("../drivers/ipu/driver.ts")).ipuDeviceDriver,
  llama: async () => (await import("../drivers/llama/device.ts")).llamaDeviceDriver,
  ort: async () => (await import("../drivers/ort/device.ts")).ortDeviceDriver,
  "ort-wasm": async () => (await import("../drivers/ort-wasm/device.ts")).ortWasmDeviceDriver,
  emulated: async () => (await import("../drivers/emulated/driver.ts")).createEmulatedDriver({ arithmetic: deviceDriverByName }),
  openvino: async () => (await import("../drivers/openvino/device.ts")).openvinoDeviceDriver,
};

/** The driver a rack's row names. Errors: `driver-missing` with the names there are. */
export async function deviceDriverByName(name: string): Promise<DeviceDriver> {
  const load = Object.hasOwn(DRIVERS, name) ? DRIVERS[name] : undefined;
  if (load === undefined) {
    const detail = `no driver of this name; there are ${Object.keys(DRIVERS).join(", ")}, and modules of one's own given by path`;
    throw new HeddleError("driver-missing", { where: name, detail });
  }
  return load();
}
