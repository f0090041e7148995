import { err, ok, type Result } from "../../../base/result.ts";
import type { Feed, OnnxRuntime, OnnxSession } from "../shared/onnx-session.ts";

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
    createSession: async (model, options) => {
      const session = await ort.InferenceSession.create(model.model, {
        executionProviders: ["cpu"],
        intraOpNumThreads: options.threads,
        interOpNumThreads: 1,
        logSeverityLevel: LOG_ERRORS_ONLY,
        externalData: model.weights.map(({ path, data }) => ({ path, data })),
        extra: { session: { intra_op: { allow_spinning: "0" } } },
      });
      return wrap(ort, session);
    },
  });
}

function wrap(ort: Ort, session: import("onnxruntime-node").InferenceSession): OnnxSession {
  const tensorOf = (feed: Feed) => new ort.Tensor(feed.type, feed.data as Float32Array, feed.dims);
  return {
    run: async (feeds) => {
      const tensors: Record<string, ReturnType<typeof tensorOf>> = {};
      for (const name in feeds) tensors[name] = tensorOf(feeds[name]!);
      const outputs = await session.run(tensors);
      const data: Record<string, Float32Array> = {};
      for (const name in outputs) data[name] = outputs[name]!.data as Float32Array;
      return data;
    },
    release: () => session.release(),
  };
}
