import { z } from "zod";
import { layerCount, size } from "./fields.ts";

/**
 * What vision encoders over square patches have in common in a configuration. Files leave out what equals the defaults.
 * Source: transformers 5.23, SiglipVisionConfig.
 */
export const visionFields = z.object({
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: layerCount,
  num_attention_heads: size,
  num_channels: size.default(3),
  image_size: size,
  patch_size: size,
});
