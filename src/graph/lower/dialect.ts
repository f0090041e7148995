/**
 * Which of several forms of the same arithmetic a runtime has fast kernels for. `onnxruntime`: its own operators for grouped attention and block
 * offsets. `openvino`: operators its CPU plugin fuses: products whose blocks have zero points, separate gate and up products with the activation
 * behind the first, attention of matrix products and a softmax.
 */
export type GraphDialect = "onnxruntime" | "openvino";
