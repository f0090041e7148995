import { HeddleError } from "../../../base/heddle-error.ts";
import type { DeviceDriver, DeviceOptions, Numerics, OpenDevice } from "../../device/device-driver.ts";
import type { NativeRuntime } from "../shared/native-runtime.ts";
import { openOnnxDevice } from "../shared/onnx-device.ts";
import { openvinoDeviceRuntime } from "./openvino-device-runtime.ts";
import { openOpenvino } from "./openvino-runtime.ts";

/** Products of a row block by the number of rows; measured as for decoder stages. */
const BATCH_TOLERANCE = 1e-4;

/** Measured with 2026.4: `DynamicQuantizeMatMul` gives the product of the activations as they are to 6 digits, ONNX Runtime that of the rounded ones. */
const UNROUNDED = [
  {
    operators: ["DynamicQuantizeMatMul", "DynamicQuantizeLSTM"],
    error: "unrounded",
    source: "OpenVINO multiplies activations as they are, where the operator's definition rounds them to 8 bits",
  },
] as const;

/** OpenVINO as a device for stages of any graph; the row's `target` is a device as the library names it (`CPU`, `GPU.0`, `NPU`), the CPU where it names none. */
export const openvinoDeviceDriver: DeviceDriver = {
  id: "openvino",
  open: async (options) => openOpenvinoDevice(await openvinoRuntime(options), options),
};

export function openOpenvinoDevice(runtime: NativeRuntime, options: DeviceOptions): OpenDevice {
  return openOnnxDevice(runtime, options, { driver: "openvino", numerics: numericsOf(runtime.name) });
}

/** The library with the device the row names. Errors: `driver-missing` with what to install, or the devices there are. */
export async function openvinoRuntime({ device, cacheFolder }: DeviceOptions): Promise<NativeRuntime> {
  const core = await openOpenvino();
  if (!core.ok) throw new HeddleError("driver-missing", { where: "openvino", detail: core.error });
  const target = device.target ?? "CPU";
  const devices = core.value.devices();
  if (devices.includes(target)) return openvinoDeviceRuntime(core.value, { target, threads: device.threads, cacheFolder });
  core.value.release();
  const detail = `OpenVINO ${core.value.version} lists the devices ${devices.join(", ")}; GPUs and NPUs need their drivers on the machine`;
  throw new HeddleError("driver-missing", { where: `openvino, target ${target}`, detail });
}

function numericsOf(target: string): Numerics {
  const isCpu = target === "CPU";
  return {
    formats: isCpu ? ["f32", "i32", "i8", "u8"] : target.startsWith("NPU") ? ["f16"] : ["f32"],
    batchInvariance: { invariant: false, tolerance: BATCH_TOLERANCE },
    deterministic: isCpu,
    approximations: UNROUNDED,
  };
}
