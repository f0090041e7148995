import { err, ok, type Result } from "../../../base/result.ts";
import { type OnnxRuntime, wrapSession } from "../shared/onnx-session.ts";
import { createWasmSession, type OrtWeb } from "./create-session.ts";

/** ONNX Runtime for WebAssembly, or what to install. Its thread count is fixed for the process by the first session. */
export async function loadOrtWasmRuntime(): Promise<Result<OnnxRuntime, string>> {
  let ort: OrtWeb;
  try {
    ort = await import("onnxruntime-web");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return err(`the package onnxruntime-web cannot be loaded (${reason}); run npm install onnxruntime-web`);
  }
  return ok({
    version: ort.env.versions.web ?? "unknown",
    dialect: "onnxruntime-cpu",
    formats: ["f32", "int4", "int8-row"],
    createSession: async (model, options) => {
      const session = await createWasmSession(ort, model, options.threads);
      return wrapSession(session, (feed) => new ort.Tensor(feed.type, feed.data as Float32Array, feed.dims));
    },
  });
}
