import type { InferenceSession } from "onnxruntime-web";
import type { OnnxModel } from "../../../graph/onnx/builder.ts";

export type OrtWeb = typeof import("onnxruntime-web");

/** Warnings and below are about initialisers a graph does not use; errors still come as exceptions. */
const LOG_ERRORS_ONLY = 3;

/** The session that is being made, or was made last. */
let last: Promise<unknown> = Promise.resolve();

/**
 * A session, made when those asked for before are there: the package lays the weights of all that are being made into one table by their names and empties it
 * after each, so two at once fail or, worse, take one another's weights. Its number of threads is fixed for the process by the first.
 */
export function createWasmSession(ort: OrtWeb, { model, weights }: OnnxModel, threads: number): Promise<InferenceSession> {
  const made = last.then(() => {
    ort.env.wasm.numThreads = threads;
    return ort.InferenceSession.create(model, {
      executionProviders: ["wasm"],
      logSeverityLevel: LOG_ERRORS_ONLY,
      externalData: weights.map(({ path, data }) => ({ path, data })),
    });
  });
  last = made.catch(() => undefined);
  return made;
}
