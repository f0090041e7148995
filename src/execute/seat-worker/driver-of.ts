import { HeddleError } from "../../base/heddle-error.ts";
import type { DeviceDriver } from "../device/device-driver.ts";
import { deviceDriverByName } from "../device/device-driver-by-name.ts";

/** The driver of a seat: of a module, by its export `driver`, or by name. Errors: `driver-missing`. */
export async function driverOf(name: string, module: string | undefined): Promise<DeviceDriver> {
  if (module === undefined) return deviceDriverByName(name);
  let loaded: { readonly driver?: unknown };
  try {
    loaded = (await import(module)) as { readonly driver?: unknown };
  } catch (cause) {
    throw new HeddleError("driver-missing", { where: module, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
  const { driver } = loaded;
  if (!isDriver(driver)) throw new HeddleError("driver-missing", { where: module, detail: "its export `driver` is no device driver" });
  return driver;
}

function isDriver(value: unknown): value is DeviceDriver {
  return typeof value === "object" && value !== null && typeof (value as { open?: unknown }).open === "function";
}
