import { HeddleError } from "../../../base/heddle-error.ts";
import type { StageDriver } from "../../stage-driver.ts";
import { loadLlamaPackage } from "./llama-package.ts";
import { loadLlamaStage } from "./llama-stage.ts";

/**
 * Largest relative difference allowed between a row alone and among neighbours. Measured among 7 over a prompt and 4 decode steps: 0 for F16, Q4_0,
 * Q4_1 (SmolLM2 too), Q8_0, Q4_K and Q6_K; 2.9e-7 for F32 and 2.5e-6 for BF16, whose single rows are multiplied by another kernel.
 */
const BATCH_TOLERANCE = 1e-5;

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
      decodeNumerics: [],
      sealedBlocks: false,
      logits: "relative",
      batchTolerance: BATCH_TOLERANCE,
      version: llama.value.version,
    }),
    load: (model, stage, limits) => loadLlamaStage(llama.value, model, { stage, limits }),
  };
}
