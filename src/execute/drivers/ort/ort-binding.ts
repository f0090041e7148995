import { createRequire } from "node:module";
import type { InferenceSession } from "onnxruntime-node";
import type { OnnxModel } from "../../../graph/onnx/builder.ts";

/** The synchronous part below the package's public interface. */
interface Binding {
  readonly binding: {
    readonly InferenceSession: new () => {
      loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: InferenceSession.SessionOptions): void;
      dispose(): void;
    };
  };
  initOrt(): void;
}

/** Makes a session of a model and gives it back: why the library does not take it, or undefined. Why: whether an operator runs is asked synchronously. */
export function tryModel(model: OnnxModel, options: InferenceSession.SessionOptions): string | undefined {
  const { binding, initOrt } = createRequire(import.meta.url)("onnxruntime-node/dist/binding.js") as Binding;
  initOrt();
  const session = new binding.InferenceSession();
  const { buffer, byteOffset, byteLength } = model.model;
  try {
    session.loadModel(buffer, byteOffset, byteLength, {
      ...options,
      externalData: model.weights.map(({ path, data }) => ({ path, data })),
    });
    session.dispose();
    return undefined;
  } catch (error) {
    return reasonIn(error instanceof Error ? error.message : String(error));
  }
}

const REASON_LENGTH = 400;

/** What the library says went wrong, without the place in its source that stands before. */
function reasonIn(message: string): string {
  const text = message.split(/ was false\. /).at(-1) ?? message;
  return text.replace(/\s+/g, " ").trim().slice(0, REASON_LENGTH);
}
