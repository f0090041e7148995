import { toHeddleError } from "../../../base/heddle-error.ts";
import { err, ok, type Result } from "../../../base/result.ts";
import type { OnnxRuntime, OnnxSession, SessionOptions } from "../shared/onnx-session.ts";
import { loadApi } from "./api.ts";
import { type OpenvinoCore, openCore } from "./core.ts";
import { codeOfFeed } from "./element-types.ts";
import { findOpenvino, howToInstall } from "./library-path.ts";
import { loadGraph, type NativeInput } from "./loaded-graph.ts";
import { withWeightAddresses } from "./memory-weights.ts";

/** Opens the library in this thread, or says what to install. */
export async function openOpenvino(): Promise<Result<OpenvinoCore, string>> {
  const found = findOpenvino();
  if (found === undefined) return err(howToInstall());
  const api = await loadApi(found.path);
  if (!api.ok) return api;
  try {
    return ok(openCore(api.value));
  } catch (thrown) {
    return err(`${found.path} (${found.source}) does not start: ${toHeddleError(thrown).message}`);
  }
}

/** OpenVINO on the CPU as a runtime of the graphs that stages are lowered to. */
export async function loadOpenvinoRuntime(): Promise<Result<OnnxRuntime, string>> {
  const core = await openOpenvino();
  if (!core.ok) return core;
  return ok({
    version: core.value.version,
    dialect: "openvino",
    formats: ["f32", "bf16", "int4"],
    createSession: async (model, options) => {
      const bytes = withWeightAddresses(model, core.value.api.addressOf);
      const graph = loadGraph(core.value, { bytes, keep: model.weights }, { device: "CPU", properties: cpuProperties(options) });
      return sessionOf(graph);
    },
  });
}

/** One stream: latency is what a stage is run for. Cores are chosen by the system, since devices of a rack share them. */
export function cpuProperties({ threads, precision = "f32" }: SessionOptions): Readonly<Record<string, string>> {
  return {
    INFERENCE_PRECISION_HINT: precision,
    INFERENCE_NUM_THREADS: String(threads),
    NUM_STREAMS: "1",
    ENABLE_CPU_PINNING: "NO",
    CPU_DENORMALS_OPTIMIZATION: "YES",
    // Activations stay what the graph says: a format rounds them only where it says so.
    DYNAMIC_QUANTIZATION_GROUP_SIZE: "0",
  };
}

function sessionOf(graph: ReturnType<typeof loadGraph>): OnnxSession {
  return {
    run: async (feeds) => {
      const inputs: Record<string, NativeInput> = {};
      for (const name of graph.inputs) {
        const feed = feeds[name];
        if (feed !== undefined) inputs[name] = { type: codeOfFeed(feed.type), data: feed.data, dims: feed.dims };
      }
      const outputs = await graph.run(inputs);
      const data: Record<string, Float32Array> = {};
      for (const [name, { bytes }] of Object.entries(outputs)) {
        data[name] = new Float32Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / 4).slice();
      }
      return data;
    },
    release: async () => graph.release(),
  };
}
