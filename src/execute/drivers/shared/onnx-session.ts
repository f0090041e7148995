import type { OnnxModel } from "../../../graph/onnx/builder.ts";

/** The part of ONNX Runtime's API that both of its packages share and stages need. */
export interface OnnxRuntime {
  readonly version: string;
  createSession(model: OnnxModel, options: SessionOptions): Promise<OnnxSession>;
}

export interface SessionOptions {
  readonly threads: number;
}

export type TensorData = Float32Array | BigInt64Array | Uint8Array;

/** A tensor to feed: shape and data, not copied. */
export interface Feed {
  readonly type: "float32" | "int64" | "uint8";
  readonly data: TensorData;
  readonly dims: readonly number[];
}

export interface OnnxSession {
  /** Runs the graph; outputs are fresh arrays, by name. */
  run(feeds: Readonly<Record<string, Feed>>): Promise<Readonly<Record<string, Float32Array>>>;
  release(): Promise<void>;
}
