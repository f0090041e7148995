import type { GraphFormat } from "../../../graph/lower/compute-format.ts";
import type { StageDialect } from "../../../graph/lower/dialect.ts";
import type { OnnxModel } from "../../../graph/onnx/builder.ts";
import type { DecodeKernels } from "./decode-kernels.ts";

/** The part of ONNX Runtime's API that both of its packages share and stages need. */
export interface OnnxRuntime {
  readonly version: string;
  /** Form of graphs it is fast at. */
  readonly dialect: StageDialect;
  /** Formats it computes in. */
  readonly formats: readonly GraphFormat[];
  /** Where decode steps may be computed beside it. */
  readonly kernels?: DecodeKernels;
  createSession(model: OnnxModel, options: SessionOptions): Promise<OnnxSession>;
}

export type SessionPrecision = "f32" | "bf16";

/** What a format's products and their neighbours are computed in. */
export function precisionOf(format: GraphFormat): SessionPrecision {
  return format === "bf16" ? "bf16" : "f32";
}

export interface SessionOptions {
  readonly threads: number;
  /** Type products and attention are computed in, where the runtime can choose; f32 where absent. */
  readonly precision?: SessionPrecision;
  /** Runs have many rows and follow one another: threads are to wait awake for the next operator, where the runtime can choose. */
  readonly manyRows?: boolean;
}

export type TensorData = Float32Array | BigInt64Array | Int32Array;

/** A tensor to feed: shape and data, not copied. */
export interface Feed {
  readonly type: "float32" | "int64" | "int32";
  readonly data: TensorData;
  readonly dims: readonly number[];
}

export interface OnnxSession {
  /** Runs the graph; outputs are fresh arrays, by name. */
  run(feeds: Readonly<Record<string, Feed>>): Promise<Readonly<Record<string, Float32Array>>>;
  release(): Promise<void>;
}

/** A session of either package, seen by what both share; `T` is the package's tensor. */
interface PackageSession<T> {
  run(feeds: Readonly<Record<string, T>>): Promise<Readonly<Record<string, { readonly data: unknown }>>>;
  release(): Promise<void>;
}

/** Wraps a package's session: feeds become its tensors without a copy, float outputs come back by name. */
export function wrapSession<T>(session: PackageSession<T>, tensorOf: (feed: Feed) => T): OnnxSession {
  return {
    run: async (feeds) => {
      const tensors: Record<string, T> = {};
      for (const name in feeds) tensors[name] = tensorOf(feeds[name]!);
      const outputs = await session.run(tensors);
      const data: Record<string, Float32Array> = {};
      for (const name in outputs) data[name] = outputs[name]!.data as Float32Array;
      return data;
    },
    release: () => session.release(),
  };
}
