import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { Operator } from "../../../graph/ir/graph.ts";
import type { OnnxModel } from "../../../graph/onnx/builder.ts";
import type { TensorType } from "../../device/tensor.ts";
import { type HostHeld, held, hostMemory } from "../shared/host-memory.ts";
import type { NativeRuntime, NativeSession } from "../shared/native-runtime.ts";
import { HOST_TYPES, hostTensorOf, PACKAGE_TYPES, typeOfPackage } from "../shared/package-tensors.ts";
import { tryModel } from "./ort-binding.ts";

export type Ort = typeof import("onnxruntime-node");

/** Warnings and below are about initialisers a graph does not use; errors still come as exceptions. */
const LOG_ERRORS_ONLY = 3;
const LOG_NOTHING = 4;

/** Options of sessions on an execution provider. All but the CPU refuse what they would hand to it. */
export function sessionOptions(provider: string, threads: number): InferenceSession.SessionOptions {
  const elsewhere = provider === "cpu" ? {} : { disable_cpu_ep_fallback: "1" };
  return {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: LOG_ERRORS_ONLY,
    extra: { session: { intra_op: { allow_spinning: "0" }, set_denormal_as_zero: "0", ...elsewhere } },
  };
}

/**
 * What a provider takes and does not do itself. Found with the WebGPU provider: a branch whose operators it has no kernels for is taken and run on the
 * CPU, and sizes of what it laid out its own way are computed there, which made stages of accepted operators fail.
 */
export function partsElsewhere(provider: string): (operator: Operator) => string | undefined {
  return ({ type, domain, bodies }) => {
    if (bodies !== undefined)
      return `graphs inside an operator may run on the CPU, and ONNX Runtime does not tell whether those of ${provider} do`;
    if (domain === "onnx" && (type === "Shape" || type === "Size")) return `sizes are told by the CPU, not by ${provider}`;
    return undefined;
  };
}

/** Types of a session's outputs. */
export function outputTypes(session: InferenceSession): Record<string, TensorType | undefined> {
  return Object.fromEntries(session.outputMetadata.map((each) => [each.name, each.isTensor ? typeOfPackage(each.type) : undefined]));
}

/** ONNX Runtime on an execution provider whose tensors lie in the host's memory between runs. */
export function ortHostRuntime(ort: Ort, provider: string, threads: number): NativeRuntime<HostHeld> {
  const options = sessionOptions(provider, threads);
  return {
    version: ort.env.versions.node ?? "unknown",
    name: provider,
    ownMemory: false,
    types: HOST_TYPES,
    memory: hostMemory(),
    createSession: async (model) => hostSession(ort, await ort.InferenceSession.create(model.model, withData(options, model))),
    refusal: (model) => tryModel(model, { ...options, logSeverityLevel: LOG_NOTHING }),
    ...(provider === "cpu" ? {} : { apart: partsElsewhere(provider) }),
    isFatal: (message) => /CUDA failure|device (is |was )?(lost|removed)/i.test(message),
    close: async () => {},
  };
}

export function withData(options: InferenceSession.SessionOptions, model: OnnxModel): InferenceSession.SessionOptions {
  return { ...options, externalData: model.weights.map(({ path, data }) => ({ path, data })) };
}

function hostSession(ort: Ort, session: InferenceSession): NativeSession {
  return {
    outputs: outputTypes(session),
    run: async (feeds) => {
      const given: Record<string, Tensor> = {};
      for (const name in feeds) given[name] = feedOf(ort, feeds[name] as HostHeld);
      const outputs = await session.run(given);
      return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, held(hostTensorOf(tensor))]));
    },
    release: () => session.release(),
  };
}

/**
 * The tensor on the same array. Where JavaScript has an array type for halves (Node 24) the package makes its tensors with it, and its native part
 * then reads no elements; it reads bits in a Uint16Array.
 */
export function feedOf(ort: Ort, { type, dims, data }: HostHeld): Tensor {
  const tensor = new ort.Tensor(PACKAGE_TYPES[type as keyof typeof PACKAGE_TYPES] as "float32", data as Float32Array, dims);
  return type === "f16" && tensor.data !== (data as unknown) ? Object.defineProperty(tensor, "data", { value: data }) : tensor;
}
