import { HeddleError } from "../../../base/heddle-error.ts";
import type { DeviceDriver, DeviceOptions, Numerics, OpenDevice } from "../../device/device-driver.ts";
import type { NativeRuntime } from "../shared/native-runtime.ts";
import { openOnnxDevice } from "../shared/onnx-device.ts";
import { llamaDeviceRuntime } from "./llama-device-runtime.ts";
import { loadLlamaPackage } from "./llama-package.ts";

/** Batch invariance as measured of the serving driver. */
const NUMERICS: Numerics = {
  formats: ["f32", "i8", "i4"],
  batchInvariance: { invariant: false, tolerance: 1e-5 },
  deterministic: true,
};

/** llama.cpp as a device for whole GGUF models (`graph/program/gguf-program.ts`): no single operators, sequences handed over as one opaque tensor. */
export const llamaDeviceDriver: DeviceDriver = {
  id: "llama",
  open: async (options) => openLlamaDevice(await llamaRuntime(options), options),
};

export function openLlamaDevice(runtime: NativeRuntime, options: DeviceOptions): OpenDevice {
  const device = openOnnxDevice(runtime, options, { driver: "llama", numerics: NUMERICS });
  return { ...device, describe: () => ({ ...device.describe(), boundary: "model", stateBoundary: "sequence" }) };
}

/** Errors: `driver-missing` with what to install. */
export async function llamaRuntime({ device }: DeviceOptions): Promise<NativeRuntime> {
  const llama = await loadLlamaPackage();
  if (!llama.ok) throw new HeddleError("driver-missing", { where: "llama", detail: llama.error });
  return llamaDeviceRuntime(llama.value, device.threads);
}
