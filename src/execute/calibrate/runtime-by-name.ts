import { HeddleError } from "../../base/heddle-error.ts";
import { loadOrtRuntime } from "../drivers/ort/ort-runtime.ts";
import { loadOrtWasmRuntime } from "../drivers/ort-wasm/ort-wasm-runtime.ts";
import type { OnnxRuntime } from "../drivers/shared/onnx-session.ts";

/** The runtime below a driver, for timing single operators. Errors: `driver-missing`. */
export async function runtimeOf(driver: string): Promise<OnnxRuntime> {
  if (driver !== "ort" && driver !== "ort-wasm") throw unknownDriver(driver);
  const loaded = driver === "ort" ? await loadOrtRuntime() : await loadOrtWasmRuntime();
  if (!loaded.ok) throw new HeddleError("driver-missing", { where: driver, detail: loaded.error });
  return loaded.value;
}

function unknownDriver(driver: string): HeddleError {
  return new HeddleError("driver-missing", { where: driver, detail: "no driver of this name can be calibrated" });
}
