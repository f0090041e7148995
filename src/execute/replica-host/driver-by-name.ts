import { HeddleError } from "../../base/heddle-error.ts";
import type { StageDriver } from "../stage-driver.ts";

/** Drivers by the name plans use; each is loaded when a plan needs it, since their native libraries are optional. */
const DRIVERS: Readonly<Record<string, () => Promise<StageDriver>>> = {
  ort: async () => (await import("../drivers/ort/driver.ts")).createOrtDriver(),
  llama: async () => (await import("../drivers/llama/driver.ts")).createLlamaDriver(),
  "ort-wasm": async () => (await import("../drivers/ort-wasm/driver.ts")).createOrtWasmDriver(),
  openvino: async () => (await import("../drivers/openvino/driver.ts")).createOpenvinoDriver(),
};

/** Errors: `driver-missing` with what to install, or for a name this version does not know. */
export async function stageDriver(name: string): Promise<StageDriver> {
  const create = Object.hasOwn(DRIVERS, name) ? DRIVERS[name] : undefined;
  if (create === undefined) {
    throw new HeddleError("driver-missing", { where: name, detail: `known drivers: ${Object.keys(DRIVERS).join(", ")}` });
  }
  return create();
}
