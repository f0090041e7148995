/**
 * Which of several forms of the same arithmetic a runtime has fast kernels for. `onnxruntime`: its own operators for grouped attention and block
 * offsets, which most of its providers have. `onnxruntime-cpu`: the same, but ONNX's attention over exactly the past there is, the quickest on its
 * CPU provider, natively and as WebAssembly. `openvino`: operators its CPU plugin fuses: products whose blocks have zero points, separate gate and
 * up products with the activation behind the first, attention of matrix products and a softmax.
 */
export type GraphDialect = "onnxruntime" | StageDialect;

/** Those of the runtimes that serve stages; `onnxruntime` is for programs that any device may run. */
export type StageDialect = "onnxruntime-cpu" | "openvino";

/** Whether a prompt's past and new keys lie token by token, [tokens, KV, D], and not head by head. */
export function tokensFirst(dialect: GraphDialect): boolean {
  return dialect === "onnxruntime-cpu";
}

/** Opset of its prompts' graphs: ONNX's attention came with 23; the oldest that heddle writes where absent. */
export function promptOpset(dialect: GraphDialect): number | undefined {
  return dialect === "onnxruntime-cpu" ? 23 : undefined;
}
