import type { StageDriver } from "../../stage-driver.ts";
import { onnxStageDriver } from "../shared/onnx-stage-driver.ts";
import { loadOrtWasmRuntime } from "./ort-wasm-runtime.ts";

/** WASM's products block by the number of rows, so sums of a row are taken in another order when it has neighbours. */
const BATCH_TOLERANCE = 1e-4;

/** ONNX Runtime compiled to WebAssembly (package `onnxruntime-web`): portable and slow, a device class of its own. Errors: `driver-missing`. */
export async function createOrtWasmDriver(): Promise<StageDriver> {
  return onnxStageDriver("ort-wasm", await loadOrtWasmRuntime(), { batchTolerance: BATCH_TOLERANCE });
}
