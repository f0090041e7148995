/**
 * Goal: published models have the published parameters, and what is not known is refused by name.
 * Method: configurations written out with the figures of their cards and papers; configurations with one field changed.
 */
import { describe, expect, it, test } from "vitest";
import { PUBLISHED, type PublishedModel } from "../../../../test/support/published-models.ts";
import { activeParameters, type Parameters, parametersOf } from "../../../inspect/parameters.ts";
import { graphOf } from "../build/build-architecture.ts";
import { knownConfig } from "../known/known-architecture.ts";
import { KNOWN_FAMILIES } from "./known-families.ts";
import { architectureOf, readArchitecture } from "./read-architecture.ts";

const BILLION = 1e9;

function published(name: string): PublishedModel["config"] {
  return PUBLISHED.find((model) => model.name === name)!.config;
}

function counted(config: PublishedModel["config"], mtp = false): Parameters & { readonly active: number } {
  const architecture = architectureOf(config);
  const graph = graphOf(architecture, { name: "model", type: "bf16", kvType: "bf16", mtp });
  if (architecture.kind === "recommender") return { ...parametersOf(graph), active: 0 };
  const parameters = parametersOf(
    graph,
    architecture.stacks.slice(0, -1).map(({ prefix }) => prefix),
  );
  return { ...parameters, active: activeParameters(parameters, architecture.activeConvention) };
}

/** Parameters of one stack alone. */
function parametersOfStack(config: PublishedModel["config"], at: number): number {
  const architecture = architectureOf(config);
  if (architecture.kind === "recommender") throw new TypeError("stacks are those of sequences");
  const alone = { ...architecture, stacks: [architecture.stacks[at]!] };
  return parametersOf(graphOf(alone, { name: "stack", type: "bf16", kvType: "bf16" })).total;
}

/** `parameters` in billions with as many digits as `printed`. */
function digits(parameters: number, printed: string, cut = false): string {
  const places = printed.split(".")[1]?.length ?? 0;
  const scale = 10 ** places;
  const value = parameters / BILLION;
  return (cut ? Math.floor(value * scale) / scale : value).toFixed(places);
}

test("every family that is read has a published model here", () => {
  const covered = new Set(PUBLISHED.flatMap(({ config }) => [config["model_type"], textTypeOf(config)]));
  // As Llama with other scalars, as Granite MoE with the shared expert of Qwen2 MoE, and internvl_chat in other words (below).
  const alike = ["granite", "granitemoeshared", "internvl"];
  expect(KNOWN_FAMILIES.filter((family) => !covered.has(family) && !alike.includes(family))).toEqual([]);
});

function textTypeOf(config: PublishedModel["config"]): unknown {
  const text = config["text_config"];
  return typeof text === "object" && text !== null && "model_type" in text ? text.model_type : undefined;
}

describe.each(PUBLISHED)("$name", ({ config, total, active, activeCut }) => {
  it(`has ${total} B parameters`, () => {
    const found = counted(config);
    expect(digits(found.total, total)).toBe(total);
    if (active !== undefined) expect(digits(found.active, active, activeCut)).toBe(active);
  });
});

/** Parameters as the hub or llama.cpp counts the tensors of the published files. */
const EXACT: readonly (readonly [string, number])[] = [
  ["Llama-2-7B", 6_738_415_616],
  ["Llama-3.1-8B", 8_030_261_248],
  ["Llama-3.1-70B", 70_553_706_496],
  ["Mistral-7B-v0.1", 7_241_732_096],
  ["Mixtral-8x7B", 46_702_792_704],
  ["Qwen2.5-7B", 7_615_616_512],
  ["Qwen3-8B", 8_190_735_360],
  ["Qwen3-30B-A3B", 30_532_122_624],
  ["Qwen1.5-MoE-A2.7B", 14_315_784_192],
  ["DeepSeek-V2-Lite", 15_706_484_224],
  // Without the 58 x 256 offsets of the routers it is 671,026,404,352, as most count it.
  ["DeepSeek-V3", 671_026_404_352 + 58 * 256],
  ["gpt-oss-120b", 116_829_156_672],
  ["Gemma-2-9B", 9_241_705_984],
  ["Gemma-3-27B", 27_432_406_640],
  ["Qwen2.5-VL-7B", 8_292_166_656],
  ["Qwen2.5-VL-72B", 73_410_777_344],
  ["Qwen3-VL-4B", 4_437_815_808],
  ["Qwen3-VL-8B", 8_767_123_696],
  ["Llama-3.2-11B-Vision", 10_670_220_835],
  ["Phi-3-mini", 3_821_079_552],
  ["Phi-4", 14_659_507_200],
  ["OLMoE-1B-7B", 6_919_161_856],
  ["Llama-4-Scout", 108_641_793_536],
  ["Llama-4-Maverick", 401_583_781_376],
  ["Granite-3.1-3B-A800M", 3_298_793_472],
  ["Granite-4.0-H-Small", 32_207_337_984],
  ["Codestral-Mamba-7B", 7_285_403_648],
  ["Whisper large-v3", 1_543_490_560],
  ["BERT-base-uncased", 109_482_240],
];

test.each(EXACT)("%s has %d parameters", (name, parameters) => {
  expect(counted(published(name)).total).toBe(parameters);
});

test("DeepSeek-V3's drafting module is apart: 11.5 billion of its own, published without its embedding and head", () => {
  const config = published("DeepSeek-V3");
  const drafting = counted(config, true).total - counted(config).total;
  const layer = 7168 * 1536 + 1536 + 1536 * 128 * 192 + 7168 * 576 + 512 + 512 * 128 * 256 + 128 * 128 * 7168 + 2 * 7168;
  const experts = 257 * 3 * 7168 * 2048 + 256 * 7168 + 256;
  expect(drafting).toBe(layer + experts + 2 * 7168 * 7168 + 3 * 7168);
});

test("GLM-4.5 has 355 billion, counted as published: with its drafting module, without embedding and head", () => {
  const config = published("GLM-4.5");
  const tables = 2 * 151552 * 5120;
  expect(digits(counted(config, true).total - tables, "355")).toBe("355");
  expect(digits(counted(config).active - tables / 2, "32")).toBe("32");
  const layer = 2 * 96 * 128 * 5120 + 2 * 8 * 128 * 5120 + (96 + 16) * 128 + 2 * 128 + 2 * 5120;
  const experts = 161 * 3 * 5120 * 1536 + 160 * 5120 + 160;
  expect(counted(config).total).toBe(92 * layer + 89 * experts + 3 * 3 * 5120 * 12288 + tables + 5120);
});

describe("InternVL", () => {
  const eight = knownConfig("InternVL3-8B")!;

  it("is its encoder (304 million at 1,024 channels, published so), two products and its decoder", () => {
    const layer = 4 * 1024 * 1024 + 4 * 1024 + 2 * 1024 * 4096 + 4096 + 1024 + 2 * 2 * 1024 + 2 * 1024;
    const encoder = 24 * layer + 588 * 1024 + 1024 + 1024 + 1025 * 1024;
    expect(encoder).toBe(304_012_288);
    const products = 2 * 4096 + 4096 * 3584 + 3584 + 3584 * 3584 + 3584;
    const decoder = 7_615_616_512 - 2 * (152_064 - 151_674) * 3584;
    expect(counted(eight).total).toBe(encoder + products + decoder);
  });

  it("has norms of queries and keys, and no offsets of them, at 3,200 channels", () => {
    const layer = 4 * 3200 * 3200 + 3200 + 2 * 3200 * 12_800 + 12_800 + 3200 + 2 * 3200 + 2 * 3200 + 2 * 3200;
    const encoder = 45 * layer + 588 * 3200 + 3200 + 3200 + 1025 * 3200;
    const products = 2 * 12_800 + 12_800 * 8192 + 8192 + 8192 * 8192 + 8192;
    const tower = parametersOfStack(knownConfig("InternVL3-78B")!, 0);
    expect(tower).toBe(encoder + products);
  });

  it("is the same in the words of transformers, and with a decoder of another family", () => {
    const { vision_config: vision, llm_config: text } = eight as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    const { qkv_bias: bias, qk_normalization: normed, image_size: side, patch_size: patch, ...rest } = vision!;
    const words = { attention_bias: bias, use_qk_norm: normed, image_size: [side, side], patch_size: [patch, patch] };
    const other = { model_type: "internvl", vision_feature_layer: -1, text_config: text, vision_config: { ...rest, ...words } };
    expect(architectureOf(other)).toEqual({ ...architectureOf(eight), family: "internvl" });
    const decoder = {
      hidden_size: 4096,
      intermediate_size: 14_336,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 8,
    };
    const intern = { ...decoder, model_type: "internlm2", vocab_size: 92_553, bias: false, tie_word_embeddings: false };
    // InternVL2.5-8B, as the hub counts its tensors.
    expect(counted({ ...eight, llm_config: intern }).total).toBe(8_075_365_376);
  });
});

const LLAMA = published("Llama-2-7B");
const changedPart = (part: string, changes: object): PublishedModel["config"] => {
  const config = published("Llama-3.2-11B-Vision");
  return { ...config, [part]: { ...(config[part] as object), ...changes } };
};
const CHANGED: readonly (readonly [PublishedModel["config"], string, string])[] = [
  [{ ...LLAMA, model_type: "llama9" }, "architecture-unknown", "model_type"],
  [{ ...LLAMA, model_type: "__proto__" }, "architecture-unknown", "model_type"],
  [{ ...LLAMA, model_type: undefined }, "model-config-invalid", "model_type"],
  [{ ...LLAMA, hidden_size: undefined }, "model-config-invalid", "hidden_size"],
  [{ ...LLAMA, intermediate_size: "11008" }, "model-config-invalid", "intermediate_size"],
  [{ ...LLAMA, num_hidden_layers: 1e9 }, "model-config-invalid", "num_hidden_layers"],
  [{ ...LLAMA, num_key_value_heads: 5 }, "model-config-invalid", "num_key_value_heads"],
  [{ ...LLAMA, hidden_size: 4097 }, "model-config-invalid", "num_attention_heads"],
  [{ ...published("Mixtral-8x7B"), num_local_experts: undefined }, "model-config-invalid", "num_local_experts"],
  [{ ...published("Mixtral-8x7B"), num_experts_per_tok: 9 }, "model-config-invalid", "num_experts_per_tok"],
  [{ ...published("Qwen1.5-MoE-A2.7B"), shared_expert_intermediate_size: null }, "model-config-invalid", "shared_expert_intermediate_size"],
  [{ ...published("DeepSeek-V3"), moe_layer_freq: 2 }, "architecture-unknown", "moe_layer_freq"],
  [{ ...published("DeepSeek-V3"), kv_lora_rank: null }, "model-config-invalid", "kv_lora_rank"],
  [{ ...published("DeepSeek-V3"), n_group: 7 }, "model-config-invalid", "n_group"],
  [{ ...published("DeepSeek-V3"), n_group: 8, topk_group: 9 }, "model-config-invalid", "topk_group"],
  [{ ...published("GLM-4.5"), n_group: 8 }, "architecture-unknown", "n_group"],
  [{ ...published("gpt-oss-20b"), layer_types: ["full_attention"] }, "model-config-invalid", "layer_types"],
  [{ ...published("gpt-oss-20b"), layer_types: Array(24).fill("linear_attention") }, "architecture-unknown", "layer_types"],
  [{ ...published("Gemma-3-27B"), text_config: { hidden_size: 8 } }, "model-config-invalid", "text_config.num_hidden_layers"],
  [{ ...published("Gemma-3-27B"), vision_config: { hidden_size: 8 } }, "model-config-invalid", "vision_config.intermediate_size"],
  [{ ...published("Qwen2.5-VL-7B"), vision_config: { depth: 32 } }, "model-config-invalid", "vision_config.hidden_size"],
  [
    {
      ...published("Qwen3-VL-4B"),
      vision_config: { ...(published("Qwen3-VL-4B")["vision_config"] as object), deepstack_visual_indexes: [24] },
    },
    "model-config-invalid",
    "vision_config.deepstack_visual_indexes",
  ],
  [changedPart("text_config", { cross_attention_layers: [40] }), "model-config-invalid", "text_config.cross_attention_layers"],
  [changedPart("text_config", { cross_attention_layers: undefined }), "model-config-invalid", "text_config.cross_attention_layers"],
  [changedPart("vision_config", { vision_output_dim: 1280 }), "model-config-invalid", "vision_config.vision_output_dim"],
  [
    changedPart("vision_config", { intermediate_layers_indices: [3, 7, 15, 23, 32] }),
    "model-config-invalid",
    "vision_config.intermediate_layers_indices",
  ],
  [changedPart("vision_config", { image_size: 561 }), "model-config-invalid", "vision_config.patch_size"],
  [{ ...published("InternVL3-8B"), llm_config: { model_type: "phi3" } }, "architecture-unknown", "llm_config.model_type"],
  [{ ...published("InternVL3-8B"), select_layer: -4 }, "architecture-unknown", "select_layer"],
  [{ ...published("InternVL3-8B"), downsample_ratio: 0.25 }, "model-config-invalid", "downsample_ratio"],
  [{ ...published("InternVL3-8B"), force_image_size: 450 }, "model-config-invalid", "vision_config.patch_size"],
  [{ ...published("InternVL3-8B"), min_dynamic_patch: 13 }, "architecture-unknown", "min_dynamic_patch"],
  [{ ...published("Granite-4.0-H-Tiny"), layer_types: Array(40).fill("rwkv") }, "architecture-unknown", "layer_types"],
  [{ ...published("Codestral-Mamba-7B"), num_heads: 100 }, "model-config-invalid", "num_heads"],
  [{ ...published("BERT-base-uncased"), is_decoder: true }, "architecture-unknown", "is_decoder"],
  [{ ...published("ViT-B/16"), patch_size: 15 }, "model-config-invalid", "patch_size"],
  [{ ...published("DLRM of MLPerf"), arch_mlp_bot: [13, 64] }, "model-config-invalid", "arch_mlp_bot"],
];

test.each(CHANGED)("a changed field of %# is refused", (config, code, field) => {
  const attempt = (): unknown => readArchitecture(JSON.stringify(config));
  expect(attempt).toThrow(expect.objectContaining({ code, where: `config.json, ${field}` }));
});

test("a head of classes counts where the configuration names them", () => {
  const labels = Object.fromEntries(Array.from({ length: 1000 }, (_unused, index) => [String(index), "thing"]));
  // Source: 86,567,656 parameters of google/vit-base-patch16-224.
  expect(counted({ ...published("ViT-B/16"), id2label: labels }).total).toBe(86_567_656);
});

test.each([
  [{ index_n_heads: undefined }, "index_n_heads"],
  [{ index_head_dim: undefined }, "index_head_dim"],
  [{ index_topk: undefined }, "index_topk"],
  [{ q_lora_rank: null }, "q_lora_rank"],
  [{ indexer_types: ["full", "shared"] }, "indexer_types"],
  [{ indexer_types: Array.from({ length: 78 }, () => "shared") }, "indexer_types"],
  [{ index_topk_freq: 4 }, "index_topk_freq"],
])("GLM-5 with %o is refused by name", (changes, field) => {
  expect(() => architectureOf({ ...published("GLM-5"), ...changes })).toThrow(
    expect.objectContaining({ message: expect.stringContaining(field) }),
  );
});

it("says of a field that is not there that it is missing", () => {
  expect(() => architectureOf({ ...LLAMA, hidden_size: undefined })).toThrow(/hidden_size\): it is missing; number is meant/);
});
