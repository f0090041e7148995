import { HeddleError } from "../../../base/heddle-error.ts";
import type { StageDriver } from "../../stage-driver.ts";
import { loadOnnxStage } from "../shared/onnx-stage.ts";
import { loadOrtWasmRuntime } from "./ort-wasm-runtime.ts";

/** WASM's products block by the number of rows, so sums of a row are taken in another order when it has neighbours. */
const BATCH_TOLERANCE = 1e-4;

/** ONNX Runtime compiled to WebAssembly (package `onnxruntime-web`): portable and slow, a device class of its own. Errors: `driver-missing`. */
export async function createOrtWasmDriver(): Promise<StageDriver> {
  const runtime = await loadOrtWasmRuntime();
  if (!runtime.ok) throw new HeddleError("driver-missing", { where: "ort-wasm", detail: runtime.error });
  return {
    id: "ort-wasm",
    describe: () => ({
      boundary: "stage",
      shapes: "dynamic",
      numerics: runtime.value.formats,
      sealedBlocks: true,
      logits: "absolute",
      batchTolerance: BATCH_TOLERANCE,
      version: runtime.value.version,
    }),
    load: (model, stage, limits) => loadOnnxStage(runtime.value, model, { stage, limits }),
  };
}
