import { err, ok, type Result } from "../../../base/result.ts";
import { type OnnxRuntime, wrapSession } from "../shared/onnx-session.ts";

type Ort = typeof import("onnxruntime-node");

/** Warnings and below are about initialisers a graph does not use; errors still come as exceptions. */
const LOG_ERRORS_ONLY = 3;

/** ONNX Runtime for Node, or what to install. */
export async function loadOrtRuntime(): Promise<Result<OnnxRuntime, string>> {
  let ort: Ort;
  try {
    ort = await import("onnxruntime-node");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return err(`the package onnxruntime-node cannot be loaded (${reason}); run npm install onnxruntime-node`);
  }
  return ok({
    version: ort.env.versions.node ?? "unknown",
    formats: ["f32", "int4", "int8-row"],
    createSession: async (model, options) => {
      const session = await ort.InferenceSession.create(model.model, {
        executionProviders: ["cpu"],
        intraOpNumThreads: options.threads,
        interOpNumThreads: 1,
        logSeverityLevel: LOG_ERRORS_ONLY,
        externalData: model.weights.map(({ path, data }) => ({ path, data })),
        extra: { session: { intra_op: { allow_spinning: "0" }, set_denormal_as_zero: "1" } },
      });
      return wrapSession(session, (feed) => new ort.Tensor(feed.type, feed.data as Float32Array, feed.dims));
    },
  });
}
