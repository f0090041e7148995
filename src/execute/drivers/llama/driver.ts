import { HeddleError } from "../../../base/heddle-error.ts";
import type { StageDriver } from "../../stage-driver.ts";
import { loadLlamaPackage } from "./llama-package.ts";
import { loadLlamaStage } from "./llama-stage.ts";

/**
 * Largest relative difference seen between a row alone and among neighbours: llama.cpp multiplies one row with other kernels than several, which
 * round activations to 8 bits alike but sum in another order.
 */
const BATCH_TOLERANCE = 2e-2;

/**
 * llama.cpp on the CPU (package `node-llama-cpp`): serves a whole GGUF model as one stage, in the file's own weights, with keys and values in f32.
 *
 * It reads the file itself and takes no ranges of layers; its cache is whole sequences, so no block is sealed or gathered. Errors: `driver-missing`.
 */
export async function createLlamaDriver(): Promise<StageDriver> {
  const llama = await loadLlamaPackage();
  if (!llama.ok) throw new HeddleError("driver-missing", { where: "llama", detail: llama.error });
  return {
    id: "llama",
    describe: () => ({
      boundary: "model",
      shapes: "dynamic",
      numerics: ["file"],
      sealedBlocks: false,
      logits: "relative",
      batchTolerance: BATCH_TOLERANCE,
      version: llama.value.version,
    }),
    load: (model, stage, limits) => loadLlamaStage(llama.value, model, { stage, limits }),
  };
}
