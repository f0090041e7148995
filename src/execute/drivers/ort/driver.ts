import { HeddleError } from "../../../base/heddle-error.ts";
import type { StageDriver } from "../../stage-driver.ts";
import { loadOnnxStage } from "../shared/onnx-stage.ts";
import { loadOrtRuntime } from "./ort-runtime.ts";

/** Largest relative difference seen between a row alone and among neighbours: MatMulNBits level 4 and per-row int8 differ only by attention's sums. */
const BATCH_TOLERANCE = 1e-4;

/** ONNX Runtime on the CPU (package `onnxruntime-node`). Errors: `driver-missing`. */
export async function createOrtDriver(): Promise<StageDriver> {
  const runtime = await loadOrtRuntime();
  if (!runtime.ok) throw new HeddleError("driver-missing", { where: "ort", detail: runtime.error });
  return {
    id: "ort",
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
