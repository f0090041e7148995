import type { Expression } from "./expression.ts";

/** Dense numbers: places in the lists of a graph. */
export type TensorId = number;
export type OperatorId = number;
export type StateId = number;

/** Element types of the formats that are read. */
export type DataType =
  | "f64"
  | "f32"
  | "f16"
  | "bf16"
  | "f8e4m3"
  | "f8e5m2"
  | "f4e2m1"
  | "i64"
  | "i32"
  | "i16"
  | "i8"
  | "i4"
  | "u64"
  | "u32"
  | "u16"
  | "u8"
  | "u4"
  | "bool"
  | "string"
  | "complex64"
  | "unknown";

/** Bytes of one element's own bits, without scales of block formats; packed types have parts of a byte. 0 where it is not known or has no fixed size. */
export const ELEMENT_BYTES: Readonly<Record<DataType, number>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  f8e4m3: 1,
  f8e5m2: 1,
  f4e2m1: 0.5,
  i64: 8,
  i32: 4,
  i16: 2,
  i8: 1,
  i4: 0.5,
  u64: 8,
  u32: 4,
  u16: 2,
  u8: 1,
  u4: 0.5,
  bool: 1,
  string: 0,
  complex64: 8,
  unknown: 0,
};

/** A model's inference graph, whatever format it came from. */
export interface Graph {
  readonly name: string;
  /** What it was read from, for people: `ONNX, opset 17`. */
  readonly source: string;
  readonly tensors: readonly Tensor[];
  /** Every operator stands behind those whose outputs it reads. */
  readonly operators: readonly Operator[];
  readonly states: readonly State[];
  readonly inputs: readonly TensorId[];
  readonly outputs: readonly TensorId[];
}

export interface Tensor {
  readonly name: string;
  readonly type: DataType;
  /** Undefined where not even the number of dimensions is known. */
  readonly shape: readonly Expression[] | undefined;
  /** Weights are learned and counted as parameters; constants are not. */
  readonly origin: "input" | "weight" | "constant" | "activation";
  /** Weights of experts, of which a token uses some: the first dimension counts them. */
  readonly experts?: { readonly count: number; readonly active: number };
}

export interface Operator {
  readonly name: string;
  /** ONNX's name where it has one, else the source's own. */
  readonly type: string;
  /** Whose the name is: `onnx`, `com.microsoft`, `aten`, `heddle` … */
  readonly domain: string;
  /** `undefined` for an optional input or output that is not there. */
  readonly inputs: readonly (TensorId | undefined)[];
  readonly outputs: readonly (TensorId | undefined)[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly accesses: readonly Access[];
  /** Part of the model it belongs to, for people and as a hint where to cut: `layers.3.attention`. */
  readonly scope: string;
  /** Graphs that it runs: branches of a choice, the body of a loop. */
  readonly bodies?: readonly Body[];
}

/** A graph inside an operator. */
export interface Body {
  /** What the operator calls it: `then_branch`, `body`. */
  readonly role: string;
  readonly graph: Graph;
  /** Tensors of the graph around it that it reads by name; inside they are constants. The operator depends on them as on its inputs. */
  readonly captures: readonly { readonly outer: TensorId; readonly inner: TensorId }[];
}

export type AttributeValue = number | string | boolean | readonly number[] | readonly string[];

/** Data that outlives a task. */
export interface State {
  readonly name: string;
  readonly kind: "kv" | "recurrent" | "convolution" | "experts" | "embedding-table" | "other";
  readonly type: DataType;
  /** Size for all sequences of a batch; grows with the symbols it names (a KV cache with `context`). */
  readonly shape: readonly Expression[];
}

/** What an operator does to a state. */
export interface Access {
  readonly state: StateId;
  readonly mode: "read" | "append" | "write" | "reduce";
  /** The input or output of the operator that is the state's content, where the source has one. */
  readonly tensor?: TensorId;
}

/** Symbols that readers use where the source says what a dimension counts. */
export const BATCH = "batch";
/** New tokens of each sequence in one run. */
export const TOKENS = "tokens";
/** Tokens of each sequence that are there after the run, the new ones included. */
export const CONTEXT = "context";
