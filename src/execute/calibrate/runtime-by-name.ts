import { HeddleError } from "../../base/heddle-error.ts";
import type { Result } from "../../base/result.ts";
import type { OnnxRuntime } from "../drivers/shared/onnx-session.ts";

/** Runtimes below the drivers that plans may name; each is loaded when asked for. */
const RUNTIMES: Readonly<Record<string, () => Promise<Result<OnnxRuntime, string>>>> = {
  ort: async () => (await import("../drivers/ort/ort-runtime.ts")).loadOrtRuntime(),
  "ort-wasm": async () => (await import("../drivers/ort-wasm/ort-wasm-runtime.ts")).loadOrtWasmRuntime(),
  openvino: async () => (await import("../drivers/openvino/openvino-runtime.ts")).loadOpenvinoRuntime(),
};

/** The runtime below a driver, for timing single operators. Errors: `driver-missing`. */
export async function runtimeOf(driver: string): Promise<OnnxRuntime> {
  const load = Object.hasOwn(RUNTIMES, driver) ? RUNTIMES[driver] : undefined;
  if (load === undefined) throw new HeddleError("driver-missing", { where: driver, detail: "no driver of this name can be calibrated" });
  const loaded = await load();
  if (!loaded.ok) throw new HeddleError("driver-missing", { where: driver, detail: loaded.error });
  return loaded.value;
}
