import { HeddleError } from "../../../base/heddle-error.ts";
import type { StageDriver } from "../../stage-driver.ts";
import { loadOnnxStage } from "../shared/onnx-stage.ts";
import { loadOpenvinoRuntime } from "./openvino-runtime.ts";

const BATCH_TOLERANCE = 1e-4;

/** OpenVINO on the CPU, through its C API. Errors: `driver-missing`. */
export async function createOpenvinoDriver(): Promise<StageDriver> {
  const runtime = await loadOpenvinoRuntime();
  if (!runtime.ok) throw new HeddleError("driver-missing", { where: "openvino", detail: runtime.error });
  return {
    id: "openvino",
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
