import type { InferenceSession, Tensor } from "onnxruntime-web";
import type { TensorType } from "../../device/tensor.ts";
import { type HostHeld, held, hostMemory } from "../shared/host-memory.ts";
import type { NativeRuntime, NativeSession } from "../shared/native-runtime.ts";
import { HOST_TYPES, hostTensorOf, PACKAGE_TYPES, typeOfPackage } from "../shared/package-tensors.ts";
import { createWasmSession, type OrtWeb } from "./create-session.ts";
import { startProbe } from "./probe-worker.ts";

/** ONNX Runtime for WebAssembly. Its thread count is fixed for the process by the first session. */
export function ortWasmDeviceRuntime(ort: OrtWeb, threads: number): NativeRuntime<HostHeld> {
  let probe: ReturnType<typeof startProbe> | undefined;
  return {
    version: ort.env.versions.web ?? "unknown",
    name: "wasm",
    ownMemory: false,
    types: HOST_TYPES,
    memory: hostMemory(),
    createSession: async (model) => wasmSession(ort, await createWasmSession(ort, model, threads)),
    refusal: (model) => {
      probe ??= startProbe();
      return probe.refusal(model);
    },
    isFatal: (message) => /Aborted\(|unreachable|memory access out of bounds|null function/i.test(message),
    close: async () => {
      await probe?.close();
    },
  };
}

function wasmSession(ort: OrtWeb, session: InferenceSession): NativeSession {
  const outputs = session.outputMetadata.map((each): [string, TensorType | undefined] => [
    each.name,
    each.isTensor ? typeOfPackage(each.type) : undefined,
  ]);
  return {
    outputs: Object.fromEntries(outputs),
    run: async (feeds) => {
      const given: Record<string, Tensor> = {};
      for (const name in feeds) given[name] = feedOf(ort, feeds[name] as HostHeld);
      const results = await session.run(given);
      return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, held(hostTensorOf(tensor))]));
    },
    release: () => session.release(),
  };
}

function feedOf(ort: OrtWeb, { type, dims, data }: HostHeld): Tensor {
  return new ort.Tensor(PACKAGE_TYPES[type as keyof typeof PACKAGE_TYPES] as "float32", data as Float32Array, dims);
}
