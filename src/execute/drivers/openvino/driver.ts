import type { StageDriver } from "../../stage-driver.ts";
import { onnxStageDriver } from "../shared/onnx-stage-driver.ts";
import { loadOpenvinoRuntime } from "./openvino-runtime.ts";

const BATCH_TOLERANCE = 1e-4;

/** OpenVINO on the CPU, through its C API. Errors: `driver-missing`. */
export async function createOpenvinoDriver(): Promise<StageDriver> {
  return onnxStageDriver("openvino", await loadOpenvinoRuntime(), { batchTolerance: BATCH_TOLERANCE });
}
