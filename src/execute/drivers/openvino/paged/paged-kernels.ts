import { HeddleError } from "../../../../base/heddle-error.ts";
import { kernelPromptRows } from "../../../../cost/kernel-prompt-rows.ts";
import type { DecodeKernels } from "../../shared/decode-kernels.ts";
import type { OpenvinoCore } from "../core.ts";
import { findPagedPass, type PagedPass } from "./paged-pass.ts";
import { createPagedProbe, loadPagedStage } from "./paged-stage.ts";

/** Steps over OpenVINO's paged attention, keys and values in 8 bits; the library beside that of the C API has what makes them. */
export async function pagedKernels(core: OpenvinoCore, apiLibrary: string): Promise<DecodeKernels> {
  const pass = await findPagedPass(apiLibrary);
  const found = (): PagedPass => {
    if (pass.ok) return pass.value;
    throw new HeddleError("plan-invalid", { where: "paged attention", detail: pass.error });
  };
  return {
    promptRows: kernelPromptRows("openvino"),
    refusal: () => (pass.ok ? undefined : pass.error),
    load: async (model, request) => loadPagedStage(core, found(), model, request),
    probe: async (shape) => createPagedProbe(core, shape),
  };
}
