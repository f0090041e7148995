import type { StageDriver } from "../../stage-driver.ts";
import { onnxStageDriver } from "../shared/onnx-stage-driver.ts";
import { loadOrtRuntime } from "./ort-runtime.ts";

/** Largest relative difference seen between a row alone and among neighbours: MatMulNBits level 4 and per-row int8 differ only by attention's sums. */
const BATCH_TOLERANCE = 1e-4;

/** ONNX Runtime on the CPU (package `onnxruntime-node`). Errors: `driver-missing`. */
export async function createOrtDriver(): Promise<StageDriver> {
  return onnxStageDriver("ort", await loadOrtRuntime(), { batchTolerance: BATCH_TOLERANCE });
}
