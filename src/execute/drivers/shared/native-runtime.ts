import type { Graph, Operator } from "../../../graph/ir/graph.ts";
import type { OnnxModel } from "../../../graph/onnx/builder.ts";
import type { HostTensor, TensorType } from "../../device/tensor.ts";

/** A tensor as a runtime holds it; what lies behind it is the runtime's. */
export interface NativeTensor {
  readonly type: TensorType;
  readonly dims: readonly number[];
  /** Room to grow included. */
  readonly bytes: number;
}

/** A model that is ready to run. */
export interface NativeSession {
  /** Whether it was stored by an earlier device, not compiled. */
  readonly fromCache?: boolean;
  /** Types of the outputs as the runtime tells them; undefined where one is no tensor of numbers. */
  readonly outputs: Readonly<Record<string, TensorType | undefined>>;
  /** Ends when the outputs are there. */
  run(feeds: Readonly<Record<string, NativeTensor>>): Promise<Readonly<Record<string, NativeTensor>>>;
  release(): Promise<void>;
}

/** One of ONNX Runtime's packages with an execution provider, and the memory its tensors lie in. */
export interface NativeRuntime<Tensor extends NativeTensor = NativeTensor> {
  readonly version: string;
  /** As the library names it. */
  readonly name: string;
  /** Whether tensors stay in a memory of its own. */
  readonly ownMemory: boolean;
  /** Element types that may enter and leave a stage. */
  readonly types: ReadonlySet<TensorType>;
  /** `key` names the model, driver, version and threads. Errors: what the library throws where it does not take the model. */
  createSession(model: OnnxModel, key: string): Promise<NativeSession>;
  /** Why the library does not take a model; found by asking it. */
  refusal(model: OnnxModel): string | undefined;
  /** Why an operator is refused though the library takes it: parts of it would run elsewhere, or its results would be wrong. */
  readonly apart?: (operator: Operator, graph: Graph) => string | undefined;
  readonly memory: NativeMemory<Tensor>;
  /** Whether after such a failure nothing can run any more. */
  isFatal(message: string): boolean;
  close(): Promise<void>;
}

export interface NativeMemory<Tensor extends NativeTensor> {
  /** Bytes that an upload takes. */
  uploadBytes(tensor: HostTensor, capacity: number | undefined): number;
  upload(tensor: HostTensor, capacity: number | undefined): Promise<Tensor>;
  download(tensor: Tensor): Promise<HostTensor>;
  copy(tensor: Tensor): Promise<Tensor>;
  /** Bytes that `append` takes beside those of the target; 0 where the rows find room there. */
  appendBytes(target: Tensor, rows: Tensor): number;
  /** Takes `target` over, whose memory is gone then or part of the result. */
  append(target: Tensor, rows: Tensor): Promise<Tensor>;
  free(tensor: Tensor): void;
  /** Bytes that crossed to and from the device besides uploads and downloads that were asked for, since the last call. */
  takeHiddenBytes(): number;
}
