import { HeddleError } from "../../../base/heddle-error.ts";
import type { DeviceDriver, DeviceOptions, Numerics, OpenDevice } from "../../device/device-driver.ts";
import { one } from "../shared/identity-model.ts";
import type { NativeRuntime } from "../shared/native-runtime.ts";
import { openOnnxDevice } from "../shared/onnx-device.ts";
import { type Ort, ortHostRuntime } from "./ort-device-runtime.ts";
import { ortWebgpuRuntime } from "./ort-webgpu-runtime.ts";

/** Products of a row block by the number of rows; measured as for decoder stages. */
const BATCH_TOLERANCE = 1e-4;

/** What to install for a provider that is not there. Source: the package's own install script and ONNX Runtime's documentation. */
const MISSING: Readonly<Record<string, string>> = {
  cuda: "run npm install onnxruntime-node --onnxruntime-node-install=cuda12, with CUDA 12 and cuDNN 9 on the machine",
  tensorrt: "run npm install onnxruntime-node --onnxruntime-node-install=cuda12, with TensorRT on the machine",
  coreml: "it is in the package for macOS",
  dml: "it is in the package for Windows",
  webgpu: "it needs a Vulkan loader (libvulkan.so.1), Direct3D 12 or Metal, and a driver of a GPU",
};

/** ONNX Runtime (package `onnxruntime-node`) as a device for stages of any graph; the row's `target` is the execution provider, the CPU where it names none. */
export const ortDeviceDriver: DeviceDriver = {
  id: "ort",
  open: async (options) => openOrtDevice(await ortRuntime(options), options),
};

export function openOrtDevice(runtime: NativeRuntime, options: DeviceOptions): OpenDevice {
  return openOnnxDevice(runtime, options, { driver: "ort", numerics: numericsOf(options) });
}

/** The library with the provider the row names. Errors: `driver-missing` with what to install, `device-failed`. */
export async function ortRuntime({ device }: DeviceOptions): Promise<NativeRuntime> {
  const ort = await loadOrt();
  const provider = device.target ?? "cpu";
  const known = ort.listSupportedBackends().map(({ name }) => name);
  if (!known.includes(provider)) {
    const advice = MISSING[provider] === undefined ? "" : `; ${MISSING[provider]}`;
    const detail = `this build of onnxruntime-node has the execution providers ${known.join(", ")}${advice}`;
    throw new HeddleError("driver-missing", { where: `ort, target ${provider}`, detail });
  }
  const runtime: NativeRuntime = provider === "webgpu" ? await ortWebgpuRuntime(ort) : ortHostRuntime(ort, provider, device.threads);
  const refusal = runtime.refusal(one("Relu", "f32"));
  if (refusal === undefined) return runtime;
  const detail = `${refusal}${MISSING[provider] === undefined ? "" : `; ${MISSING[provider]}`}`;
  throw new HeddleError(MISSING[provider] === undefined ? "device-failed" : "driver-missing", { where: `ort, target ${provider}`, detail });
}

async function loadOrt(): Promise<Ort> {
  try {
    return await import("onnxruntime-node");
  } catch (cause) {
    const detail = `the package onnxruntime-node cannot be loaded (${cause instanceof Error ? cause.message : String(cause)}); run npm install onnxruntime-node`;
    throw new HeddleError("driver-missing", { where: "ort", detail, cause });
  }
}

/**
 * Results of Sin and Cos in shaders. Source: WGSL, "Floating Point Accuracy": sin(x) and cos(x) are within 2^-11 for x from -π to π, as in the Vulkan
 * specification, "Precision of GLSL.std.450 Instructions", and tan(x) is their quotient: where it is T, 1 + T times as far off over T, here up to T = 7.
 * Shaders have no flag that asks for more.
 */
const SHADER_FUNCTIONS = [
  { operators: ["Sin", "Cos"], error: 2 ** -11, source: "WGSL and Vulkan let sin and cos be 2^-11 off from -π to π" },
  { operators: ["Tan"], error: 2 ** -8, source: "WGSL and Vulkan take tan as the quotient of sin and cos, each 2^-11 off" },
] as const;

function numericsOf({ device }: DeviceOptions): Numerics {
  const isCpu = (device.target ?? "cpu") === "cpu";
  return {
    formats: isCpu ? ["f64", "f32", "i64", "i32", "i8", "u8"] : ["f32"],
    batchInvariance: { invariant: false, tolerance: BATCH_TOLERANCE },
    deterministic: isCpu,
    ...(device.target === "webgpu" ? { approximations: SHADER_FUNCTIONS } : {}),
  };
}
