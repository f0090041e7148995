import type { SessionOptions } from "../shared/onnx-session.ts";

/** One stream: latency is what a stage is run for. Cores are chosen by the system, since devices of a rack share them. */
export function cpuProperties({ threads, precision = "f32" }: SessionOptions): Readonly<Record<string, string>> {
  return {
    INFERENCE_PRECISION_HINT: precision,
    INFERENCE_NUM_THREADS: String(threads),
    NUM_STREAMS: "1",
    ENABLE_CPU_PINNING: "NO",
    CPU_DENORMALS_OPTIMIZATION: "YES",
    // Activations stay what the graph says: a format rounds them only where it says so.
    DYNAMIC_QUANTIZATION_GROUP_SIZE: "0",
  };
}
