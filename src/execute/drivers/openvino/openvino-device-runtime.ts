import { fromBinary } from "@bufbuild/protobuf";
import { must } from "../../../base/assert.ts";
import { toHeddleError } from "../../../base/heddle-error.ts";
import type { OnnxModel } from "../../../graph/onnx/builder.ts";
import { ModelProtoSchema } from "../../../graph/onnx/generated/onnx_pb.ts";
import { tensorIn } from "../../device/tensor-arrays.ts";
import { type HostHeld, held, hostMemory } from "../shared/host-memory.ts";
import type { NativeRuntime, NativeSession } from "../shared/native-runtime.ts";
import { blobStore } from "./blob-store.ts";
import { computedWrongly } from "./computed-wrongly.ts";
import type { OpenvinoCore } from "./core.ts";
import { cpuProperties } from "./cpu-properties.ts";
import { codeOfType, OPENVINO_TYPES, typeOfCode } from "./element-types.ts";
import { graphOf, type LoadedGraph, loadGraph, type NativeInput } from "./loaded-graph.ts";
import { withWeightAddresses } from "./memory-weights.ts";

/** What the GPU and NPU plugins say when the device or its driver is gone. */
const LOST = /CL_DEVICE_NOT_AVAILABLE|CL_OUT_OF_RESOURCES|DEVICE_LOST|device (?:is |was )?(?:lost|removed)/i;

/** Stored graphs hold their weights again: larger ones are compiled every time instead of filling the disk. Units: bytes. */
const STORED_MOST = 2 ** 29;

/** One of OpenVINO's devices as it names them; its tensors lie in the host's memory between runs. */
export function openvinoDeviceRuntime(
  core: OpenvinoCore,
  { target, threads, cacheFolder }: { readonly target: string; readonly threads: number; readonly cacheFolder?: string | undefined },
): NativeRuntime<HostHeld> {
  const properties = target === "CPU" ? cpuProperties({ threads }) : precisionOf(target);
  const load = (model: OnnxModel): LoadedGraph => {
    const bytes = withWeightAddresses(model, core.api.addressOf);
    return loadGraph(core, { bytes, keep: model.weights }, { device: target, properties });
  };
  const store = cacheFolder === undefined ? undefined : blobStore(cacheFolder);
  const loadKept = (model: OnnxModel, key: string): { readonly graph: LoadedGraph; readonly fromCache: boolean } => {
    const name = `${key} ${JSON.stringify(properties)}`;
    const blob = store?.read(name);
    if (blob !== undefined) {
      try {
        return { graph: graphOf(core, core.imported(blob, target, properties), [blob]), fromCache: true };
      } catch {
        // A file that the library no longer takes is compiled anew, and replaced.
      }
    }
    const bytes = withWeightAddresses(model, core.api.addressOf);
    const compiled = core.compile(bytes, target, properties);
    const weightBytes = model.weights.reduce((sum, { data }) => sum + data.byteLength, model.model.byteLength);
    if (weightBytes <= STORED_MOST) store?.write(name, (path) => core.exported(compiled, path));
    return { graph: graphOf(core, compiled, model.weights), fromCache: false };
  };
  return {
    version: core.version,
    name: target,
    ownMemory: false,
    types: OPENVINO_TYPES,
    memory: hostMemory(),
    createSession: async (model, key) => {
      const { graph, fromCache } = loadKept(model, key);
      return { ...sessionOf(graph, model), fromCache };
    },
    refusal: (model) => {
      try {
        load(model).release();
        return undefined;
      } catch (thrown) {
        const { detail, message } = toHeddleError(thrown);
        return detail ?? message;
      }
    },
    apart: computedWrongly,
    isFatal: (message) => LOST.test(message),
    close: async () => core.release(),
  };
}

/** f32 where a device has it: GPUs would compute in f16 by themselves, NPUs have nothing else. */
function precisionOf(target: string): Readonly<Record<string, string>> {
  return target.startsWith("NPU") ? {} : { INFERENCE_PRECISION_HINT: "f32" };
}

function sessionOf(graph: LoadedGraph, { model }: OnnxModel): NativeSession {
  const names = namesOf(graph, model);
  return {
    outputs: Object.fromEntries(names.outputs.map((name, index) => [name, typeOfCode(graph.outputTypes[index]!)])),
    run: async (feeds) => {
      const inputs: Record<string, NativeInput> = {};
      for (const [index, name] of names.inputs.entries()) {
        const { type, dims, data } = feeds[name] as HostHeld;
        inputs[graph.inputs[index]!] = { type: must(codeOfType(type), "a type that was taken"), dims, data };
      }
      const found = await graph.run(inputs);
      graph.forgetInputs();
      return Object.fromEntries(
        names.outputs.map((name, index) => {
          const { type, dims, bytes } = found[graph.outputs[index]!]!;
          return [name, held(tensorIn(must(typeOfCode(type), "a type that is given"), dims, bytes.slice()))];
        }),
      );
    },
    release: async () => graph.release(),
  };
}

/**
 * The model's own names of the library's ports, in the library's order. A port may have been given another of its tensor's names, where an operator
 * between them fell away: inputs and outputs keep the model's order, weights are no inputs.
 */
function namesOf(graph: LoadedGraph, model: Uint8Array): { readonly inputs: readonly string[]; readonly outputs: readonly string[] } {
  const proto = must(fromBinary(ModelProtoSchema, model).graph, "a model has a graph");
  const weights = new Set(proto.initializer.map(({ name }) => name));
  const inputs = proto.input.map(({ name }) => name).filter((name) => !weights.has(name));
  const outputs = proto.output.map(({ name }) => name);
  return { inputs: inOrder(graph.inputs, inputs), outputs: inOrder(graph.outputs, outputs) };
}

function inOrder(ports: readonly string[], names: readonly string[]): readonly string[] {
  const known = ports.every((port) => names.includes(port)) && new Set(ports).size === ports.length;
  return known ? ports : names;
}
