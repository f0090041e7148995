import type { Device } from "../rack/rack.ts";

/**
 * Drivers whose execution boundary is the whole model and whose state is handed over by whole sequences: they take no range of layers and keep no
 * sealed blocks. The conformance suite holds what they declare against this list.
 */
const WHOLE_MODEL_DRIVERS: readonly string[] = ["llama"];

export function wholeModelDriver(driver: string): boolean {
  return WHOLE_MODEL_DRIVERS.includes(driver);
}

export function isWholeModel({ driver }: Pick<Device, "driver">): boolean {
  return wholeModelDriver(driver);
}
