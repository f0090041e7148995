import { toHeddleError } from "../../../base/heddle-error.ts";
import { err, ok, type Result } from "../../../base/result.ts";
import type { OnnxRuntime, OnnxSession } from "../shared/onnx-session.ts";
import { loadApi } from "./api.ts";
import { type OpenvinoCore, openCore } from "./core.ts";
import { cpuProperties } from "./cpu-properties.ts";
import { codeOfFeed } from "./element-types.ts";
import { findOpenvino, howToInstall } from "./library-path.ts";
import { loadGraph, type NativeInput } from "./loaded-graph.ts";
import { withWeightAddresses } from "./memory-weights.ts";
import { pagedKernels } from "./paged/paged-kernels.ts";

/** Opens the library in this thread, or says what to install. */
export async function openOpenvino(): Promise<Result<OpenvinoCore, string>> {
  const opened = await openLibrary();
  return opened.ok ? ok(opened.value.core) : opened;
}

async function openLibrary(): Promise<Result<{ readonly core: OpenvinoCore; readonly path: string }, string>> {
  const found = findOpenvino();
  if (found === undefined) return err(howToInstall());
  const api = await loadApi(found.path);
  if (!api.ok) return api;
  try {
    return ok({ core: openCore(api.value), path: found.path });
  } catch (thrown) {
    return err(`${found.path} (${found.source}) does not start: ${toHeddleError(thrown).message}`);
  }
}

/** OpenVINO on the CPU as a runtime of the graphs that stages are lowered to. */
export async function loadOpenvinoRuntime(): Promise<Result<OnnxRuntime, string>> {
  const opened = await openLibrary();
  if (!opened.ok) return opened;
  const { core, path } = opened.value;
  return ok({
    version: core.version,
    dialect: "openvino",
    formats: ["f32", "bf16", "int4"],
    kernels: await pagedKernels(core, path),
    createSession: async (model, options) => {
      const bytes = withWeightAddresses(model, core.api.addressOf);
      const graph = loadGraph(core, { bytes, keep: model.weights }, { device: "CPU", properties: cpuProperties(options) });
      return sessionOf(graph);
    },
  });
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
