import type { Expression } from "../ir/expression.ts";
import type { DataType, Graph, OperatorId, TensorId } from "../ir/graph.ts";
import type { OnnxModel } from "../onnx/builder.ts";

/** A graph that can be run: besides the structure every graph has, the meaning of its operators and the bytes of its stored tensors. */
export interface Program {
  readonly name: string;
  /** SHA-256 over structure and stored bytes, in hex: what is compiled from a stage is kept under it. */
  readonly fingerprint: string;
  readonly graph: Graph;
  /**
   * The model of some of the graph's operators. Stored tensors they read are inside it; what other operators or the caller give are its inputs; what
   * other operators or the caller read are its outputs.
   *
   * Errors: an assertion where the operators are not in the graph or are not convex (a path leaves them and comes back).
   */
  stage(operators: readonly OperatorId[]): StageModel;
}

/** A convex piece of a program, as one ONNX model. */
export interface StageModel {
  /** Equal for equal pieces of equal programs. */
  readonly key: string;
  readonly name: string;
  readonly operators: readonly OperatorId[];
  /** The whole program's graph: `operators` are places in it. */
  readonly graph: Graph;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Bytes of the stored tensors inside. */
  readonly weightBytes: number;
  readonly model: OnnxModel;
}

/** A tensor that enters or leaves a stage; its name is that in the model. */
export interface Port {
  readonly name: string;
  readonly tensor: TensorId;
  readonly type: DataType;
  readonly shape: readonly Expression[] | undefined;
}
