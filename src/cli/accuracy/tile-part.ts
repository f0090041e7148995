import { llmcompassAccuracy } from "../../cost/accuracy/tile/llmcompass-accuracy.ts";
import type { AccuracyPart } from "./accuracy-part.ts";

const FOLDER = "llmcompass-real/ae/figure5";

/** Operators of a device of which nothing was measured, from its cores and memories. */
export const TILE_MODEL: AccuracyPart = {
  id: "tile-model",
  title: "Operators of a device of which nothing was measured, from its cores, memories and clocks",
  needs: FOLDER,
  beside: ["llmcompass-operators", "llmcompass-inference"],
  rows: (data) => {
    const text = (path: string): string => data.text(`${FOLDER}/${path}`);
    return llmcompassAccuracy({
      matmul: text("ab/real_hardware/matmul_A100.csv"),
      softmax: text("cf/real_hardware/softmax_A100.csv"),
      layernorm: text("de/real_hardware/layernorm_A100.csv"),
      gelu: text("g/real_hardware/gelu_A100.csv"),
      layerPrefill: text("ijkl/real_hardware/transformer_A100.csv"),
      layerDecode: text("ijkl/real_hardware/transformerAR_A100.csv"),
    });
  },
};
