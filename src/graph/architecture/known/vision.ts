/**
 * Configurations of models that read images, field by field (those that decide the layers). Source: their config.json on the Hugging Face Hub; their
 * parameters are held to those of the published tensors.
 */

const QWEN25_VISION = {
  depth: 32,
  hidden_size: 1280,
  intermediate_size: 3420,
  num_heads: 16,
  in_channels: 3,
  patch_size: 14,
  temporal_patch_size: 2,
  spatial_merge_size: 2,
  window_size: 112,
  fullatt_block_indexes: [7, 15, 23, 31],
};
const QWEN25_VL = { model_type: "qwen2_5_vl", max_position_embeddings: 128000, use_sliding_window: false, tie_word_embeddings: false };
const QWEN3_VISION = {
  in_channels: 3,
  patch_size: 16,
  temporal_patch_size: 2,
  spatial_merge_size: 2,
  num_heads: 16,
  num_position_embeddings: 2304,
};
const QWEN3_VISION_SMALL = {
  ...QWEN3_VISION,
  depth: 24,
  hidden_size: 1024,
  intermediate_size: 4096,
  deepstack_visual_indexes: [5, 11, 17],
};
const QWEN3_VISION_LARGE = {
  ...QWEN3_VISION,
  depth: 27,
  hidden_size: 1152,
  intermediate_size: 4304,
  deepstack_visual_indexes: [8, 16, 24],
};
const QWEN3_TEXT = { vocab_size: 151936, head_dim: 128, max_position_embeddings: 262144 };

const INTERNVIT = { patch_size: 14, image_size: 448, num_channels: 3 };
const INTERNVL = {
  model_type: "internvl_chat",
  downsample_ratio: 0.5,
  dynamic_image_size: true,
  force_image_size: 448,
  min_dynamic_patch: 1,
  max_dynamic_patch: 12,
  select_layer: -1,
  use_thumbnail: true,
};

export const VISION_MODELS = {
  "InternVL3-8B": {
    ...INTERNVL,
    vision_config: {
      ...INTERNVIT,
      hidden_size: 1024,
      intermediate_size: 4096,
      num_hidden_layers: 24,
      num_attention_heads: 16,
      qkv_bias: true,
      qk_normalization: false,
      norm_type: "layer_norm",
    },
    llm_config: {
      model_type: "qwen2",
      vocab_size: 151674,
      hidden_size: 3584,
      intermediate_size: 18944,
      num_hidden_layers: 28,
      num_attention_heads: 28,
      num_key_value_heads: 4,
      max_position_embeddings: 32768,
      tie_word_embeddings: false,
    },
  },
  "InternVL3-78B": {
    ...INTERNVL,
    vision_config: {
      ...INTERNVIT,
      hidden_size: 3200,
      intermediate_size: 12800,
      num_hidden_layers: 45,
      num_attention_heads: 25,
      qkv_bias: false,
      qk_normalization: true,
      norm_type: "rms_norm",
    },
    llm_config: {
      model_type: "qwen2",
      vocab_size: 151674,
      hidden_size: 8192,
      intermediate_size: 29568,
      num_hidden_layers: 80,
      num_attention_heads: 64,
      num_key_value_heads: 8,
      max_position_embeddings: 32768,
      tie_word_embeddings: false,
    },
  },
  "Qwen2.5-VL-7B": {
    ...QWEN25_VL,
    vocab_size: 152064,
    hidden_size: 3584,
    intermediate_size: 18944,
    num_hidden_layers: 28,
    num_attention_heads: 28,
    num_key_value_heads: 4,
    vision_config: { ...QWEN25_VISION, out_hidden_size: 3584 },
  },
  "Qwen2.5-VL-72B": {
    ...QWEN25_VL,
    vocab_size: 152064,
    hidden_size: 8192,
    intermediate_size: 29568,
    num_hidden_layers: 80,
    num_attention_heads: 64,
    num_key_value_heads: 8,
    vision_config: { ...QWEN25_VISION, intermediate_size: 3456, out_hidden_size: 8192 },
  },
  "Qwen3-VL-4B": {
    model_type: "qwen3_vl",
    tie_word_embeddings: true,
    text_config: {
      ...QWEN3_TEXT,
      hidden_size: 2560,
      intermediate_size: 9728,
      num_hidden_layers: 36,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      tie_word_embeddings: true,
    },
    vision_config: { ...QWEN3_VISION_SMALL, out_hidden_size: 2560 },
  },
  "Qwen3-VL-8B": {
    model_type: "qwen3_vl",
    tie_word_embeddings: false,
    text_config: {
      ...QWEN3_TEXT,
      hidden_size: 4096,
      intermediate_size: 12288,
      num_hidden_layers: 36,
      num_attention_heads: 32,
      num_key_value_heads: 8,
    },
    vision_config: { ...QWEN3_VISION_LARGE, out_hidden_size: 4096 },
  },
  "Qwen3-VL-235B-A22B": {
    model_type: "qwen3_vl_moe",
    tie_word_embeddings: false,
    text_config: {
      ...QWEN3_TEXT,
      hidden_size: 4096,
      intermediate_size: 12288,
      num_hidden_layers: 94,
      num_attention_heads: 64,
      num_key_value_heads: 4,
      num_experts: 128,
      num_experts_per_tok: 8,
      moe_intermediate_size: 1536,
      decoder_sparse_step: 1,
      mlp_only_layers: [],
    },
    vision_config: { ...QWEN3_VISION_LARGE, out_hidden_size: 4096 },
  },
  "Gemma-3-27B": {
    model_type: "gemma3",
    mm_tokens_per_image: 256,
    text_config: {
      model_type: "gemma3_text",
      hidden_size: 5376,
      intermediate_size: 21504,
      num_hidden_layers: 62,
      num_attention_heads: 32,
      num_key_value_heads: 16,
      head_dim: 128,
      sliding_window: 1024,
      max_position_embeddings: 131072,
    },
    vision_config: {
      model_type: "siglip_vision_model",
      hidden_size: 1152,
      image_size: 896,
      intermediate_size: 4304,
      num_attention_heads: 16,
      num_hidden_layers: 27,
      patch_size: 14,
    },
  },
} as const;
