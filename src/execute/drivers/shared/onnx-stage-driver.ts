import { HeddleError } from "../../../base/heddle-error.ts";
import type { Result } from "../../../base/result.ts";
import type { StageDriver } from "../../stage-driver.ts";
import type { OnnxRuntime } from "./onnx-session.ts";
import { loadOnnxStage } from "./onnx-stage.ts";

/** The stage driver of a runtime that runs lowered graphs, or what to install. Errors: `driver-missing`. */
export function onnxStageDriver(
  id: string,
  runtime: Result<OnnxRuntime, string>,
  options: { readonly batchTolerance: number },
): StageDriver {
  if (!runtime.ok) throw new HeddleError("driver-missing", { where: id, detail: runtime.error });
  const { formats, kernels, version } = runtime.value;
  const { batchTolerance } = options;
  const own = kernels !== undefined && kernels.refusal() === undefined ? (["block-int8"] as const) : [];
  return {
    id,
    describe: () => ({
      boundary: "stage",
      shapes: "dynamic",
      numerics: kernels !== undefined && kernels.promptRows > 0 ? [...formats, ...own] : formats,
      decodeNumerics: own,
      sealedBlocks: true,
      logits: "absolute",
      batchTolerance,
      version,
    }),
    load: (model, stage, limits) => loadOnnxStage(runtime.value, model, { stage, limits }),
  };
}
