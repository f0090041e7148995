/**
 * Goal: a Hugging Face folder computes the same as the GGUF file of the same model, and every setting that is not computed is refused by name.
 * Method: one set of seeded weights written both ways (queries and keys in each format's order); config fields changed one at a time.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { referenceLogits } from "../../../test/support/reference-decoder.ts";
import { type TinyModelOptions, tinyGguf } from "../../../test/support/tiny-gguf.ts";
import { type TinyHfOptions, tinyHfConfig, writeTinyHf } from "../../../test/support/tiny-hf.ts";
import { bytesOf } from "../../base/bytes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { openHfFolder } from "../../execute/model-store/hf-folder.ts";
import type { DecoderModel } from "../decoder/model.ts";
import { decoderFromGguf } from "../gguf/decoder-from-gguf.ts";
import { readGguf } from "../gguf/read-gguf.ts";
import { decoderFromHf } from "./decoder-from-hf.ts";
import { parseHfConfig } from "./hf-config.ts";
import { hfRope } from "./hf-rope.ts";
import { shardNames } from "./hf-weights.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-hf-"));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;

const PROMPT = Array.from({ length: 24 }, (_unused, i) => (i * 41 + 7) % 300);

function openTiny(options: TinyHfOptions): DecoderModel {
  return decoderFromHf(openHfFolder(writeTinyHf(join(folder, `model-${made++}`), options)));
}

const PAIRS: readonly (readonly [string, TinyHfOptions, TinyModelOptions])[] = [
  ["llama", {}, {}],
  ["llama, tied head, BF16, three shards", { tiedHead: true, dtype: "BF16", shards: 3 }, { tiedHead: true, format: "BF16" }],
  ["qwen2, F16", { family: "qwen2", dtype: "F16" }, { family: "qwen2", format: "F16" }],
  ["qwen3, wide heads", { family: "qwen3", headDim: 24 }, { family: "qwen3", headDim: 24 }],
  ["linear scaling", { config: { rope_scaling: { type: "linear", factor: 4 } } }, { ropeScaling: { kind: "linear", factor: 4 } }],
  [
    "yarn in the newer form",
    {
      config: {
        rope_theta: undefined,
        rope_parameters: { rope_type: "yarn", rope_theta: 10000, factor: 4, original_max_position_embeddings: 512 },
      },
    },
    { ropeScaling: { kind: "yarn", factor: 4, originalContext: 512 } },
  ],
];

for (const [name, hf, gguf] of PAIRS) {
  test(`${name}: the same logits from both forms`, () => {
    const ours = referenceLogits(openTiny(hf), PROMPT);
    const theirs = referenceLogits(decoderFromGguf(readGguf(bytesOf(tinyGguf(gguf)))), PROMPT);
    const worst = Math.max(...ours.flatMap((row, t) => [...row.map((value, i) => Math.abs(value - theirs[t]![i]!))]));
    expect(worst).toBeLessThan(1e-4);
  });
}

const REFUSED: readonly (readonly [Record<string, unknown>, string, string])[] = [
  [{ model_type: "gemma" }, "model-unsupported", "model_type"],
  [{ model_type: undefined }, "model-config-invalid", "model_type"],
  [{ hidden_size: "64" }, "model-config-invalid", "hidden_size"],
  [{ num_hidden_layers: 1e12 }, "model-config-invalid", "num_hidden_layers"],
  [{ num_hidden_layers: 3 }, "model-weights-missing", "layers.2.attention-norm"],
  [{ num_hidden_layers: 1 }, "model-unsupported", "layers.1.attention-norm"],
  [{ vocab_size: 319 }, "model-config-invalid", "embedding"],
  [{ num_key_value_heads: 3 }, "model-config-invalid", "num_key_value_heads"],
  [{ head_dim: 15 }, "model-config-invalid", "head_dim"],
  [{ hidden_act: "gelu" }, "model-unsupported", "hidden_act"],
  [{ attention_bias: true }, "model-unsupported", "attention_bias"],
  [{ quantization_config: { quant_method: "gptq" } }, "model-unsupported", "quantization_config"],
  [{ rope_scaling: { rope_type: "dynamic", factor: 2 } }, "model-unsupported", "rope_scaling.rope_type"],
  [{ rope_scaling: { rope_type: "llama3", factor: 8 } }, "model-config-invalid", "rope_scaling.low_freq_factor"],
  [{ rope_scaling: { rope_type: "yarn", factor: 8, mscale: 0.7 } }, "model-unsupported", "rope_scaling.mscale"],
  [{ rope_scaling: { factor: 8 } }, "model-config-invalid", "rope_scaling.rope_type"],
  [{ partial_rotary_factor: 0.5 }, "model-unsupported", "partial_rotary_factor"],
  [{ model_type: "mistral", sliding_window: 128 }, "model-unsupported", "sliding_window"],
  [{ use_sliding_window: true, sliding_window: 128 }, "model-unsupported", "sliding_window"],
  [{ layer_types: ["full_attention", "sliding_attention"] }, "model-unsupported", "layer_types"],
];

for (const [config, code, field] of REFUSED) {
  test(`${JSON.stringify(config)} is refused naming ${field}`, () => {
    const attempt = (): DecoderModel => openTiny({ config });
    expect(attempt).toThrow(HeddleError);
    expect(attempt).toThrow(expect.objectContaining({ code, where: expect.stringContaining(field) }));
  });
}

test("a window as long as the context, or an unused one, changes nothing", () => {
  const mistral = { ...tinyHfConfig(), model_type: "mistral", sliding_window: 2048 };
  expect(parseHfConfig(JSON.stringify(mistral)).family).toBe("mistral");
  const qwen = { ...tinyHfConfig(), model_type: "qwen2", sliding_window: 128, use_sliding_window: false };
  expect(parseHfConfig(JSON.stringify(qwen)).family).toBe("qwen2");
});

test("YaRN stretches the context; Llama 3's scaling is read", () => {
  const config = { ...tinyHfConfig(), rope_scaling: { type: "yarn", factor: 4, original_max_position_embeddings: 2048 } };
  expect(hfRope(parseHfConfig(JSON.stringify(config))).contextLength).toBe(8192);
  const scaling = { rope_type: "llama3", factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
  const rope = hfRope(parseHfConfig(JSON.stringify({ ...tinyHfConfig(), rope_scaling: scaling })));
  expect(rope.scaling).toMatchObject({ kind: "llama3", factor: 8, originalContext: 8192 });
});

test("two models of one shape have different fingerprints, one model the same", () => {
  const [a, b, again] = [openTiny({ seed: 1 }), openTiny({ seed: 2 }), openTiny({ seed: 1 })];
  expect(a.fingerprint).toBe(again.fingerprint);
  expect(a.fingerprint).not.toBe(b.fingerprint);
});

test("an index may only name files of the folder", () => {
  expect(shardNames(JSON.stringify({ weight_map: { a: "m-2.safetensors", b: "m-1.safetensors", c: "m-1.safetensors" } }))).toEqual([
    "m-1.safetensors",
    "m-2.safetensors",
  ]);
  for (const name of ["../secret.safetensors", "/etc/passwd", 7]) {
    expect(() => shardNames(JSON.stringify({ weight_map: { a: name } }))).toThrow(
      expect.objectContaining({ code: "model-config-invalid" }),
    );
  }
});

test("tokenizer facts come from the folder's files", () => {
  const path = writeTinyHf(join(folder, "tokens"));
  writeFileSync(join(path, "generation_config.json"), JSON.stringify({ eos_token_id: [2, 0] }));
  const { tokenizer } = decoderFromHf(openHfFolder(path));
  expect(tokenizer).toMatchObject({ bosId: 1, addBos: false, stopIds: [2, 0] });
  expect(tokenizer.chatTemplate).toContain("im_start");
});
