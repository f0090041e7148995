import { HeddleError } from "../../../base/heddle-error.ts";
import type { DeviceDriver, DeviceOptions, OpenDevice } from "../../device/device-driver.ts";
import type { NativeRuntime } from "../shared/native-runtime.ts";
import { openOnnxDevice } from "../shared/onnx-device.ts";
import type { OrtWeb } from "./create-session.ts";
import { ortWasmDeviceRuntime } from "./ort-wasm-device-runtime.ts";

/** WASM's products block by the number of rows, so sums of a row are taken in another order when it has neighbours. */
const BATCH_TOLERANCE = 1e-4;

/** ONNX Runtime compiled to WebAssembly (package `onnxruntime-web`) as a device for stages of any graph. */
export const ortWasmDeviceDriver: DeviceDriver = {
  id: "ort-wasm",
  open: async (options) => openOrtWasmDevice(await ortWasmRuntime(options), options),
};

export function openOrtWasmDevice(runtime: NativeRuntime, options: DeviceOptions): OpenDevice {
  return openOnnxDevice(runtime, options, {
    driver: "ort-wasm",
    numerics: {
      formats: ["f64", "f32", "i64", "i32", "i8", "u8"],
      batchInvariance: { invariant: false, tolerance: BATCH_TOLERANCE },
      deterministic: true,
    },
  });
}

/** Errors: `driver-missing`. */
export async function ortWasmRuntime({ device }: DeviceOptions): Promise<NativeRuntime> {
  const { target, threads } = device;
  if (target !== undefined && target !== "wasm")
    throw new HeddleError("driver-missing", { where: `ort-wasm, target ${target}`, detail: "the only target is wasm" });
  return ortWasmDeviceRuntime(await loadOrtWeb(), threads);
}

async function loadOrtWeb(): Promise<OrtWeb> {
  try {
    return await import("onnxruntime-web");
  } catch (cause) {
    const detail = `the package onnxruntime-web cannot be loaded (${cause instanceof Error ? cause.message : String(cause)}); run npm install onnxruntime-web`;
    throw new HeddleError("driver-missing", { where: "ort-wasm", detail, cause });
  }
}
