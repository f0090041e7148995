/**
 * Goal: a model is found under the names people use, and only then.
 * Method: names as on the Hugging Face Hub; the catalogue's parameters are held to the published ones in inspect/parameters.test.ts.
 */
import { describe, expect, it, test } from "vitest";
import { KNOWN_MODELS, knownArchitecture, knownModelName } from "./known-architecture.ts";

describe("names", () => {
  it.each([
    ["meta-llama/Llama-3.1-8B-Instruct", "Llama-3.1-8B"],
    ["deepseek-ai/DeepSeek-R1", "DeepSeek-V3"],
    ["nvidia/DeepSeek-V3.1-NVFP4", "DeepSeek-V3"],
    ["Qwen/Qwen3-235B-A22B-FP8", "Qwen3-235B-A22B"],
    ["Qwen/Qwen3-30B-A3B-Instruct-2507-FP8", undefined],
    ["moonshotai/Kimi-K2.5", "Kimi-K2"],
    ["zai-org/GLM-5", "GLM-5"],
    ["deepseek-ai/DeepSeek-V3.2-Exp", "DeepSeek-V3.2"],
    ["zai-org/GLM-5.1-FP8", "GLM-5"],
    ["Qwen/Qwen2.5-VL-7B-Instruct", "Qwen2.5-VL-7B"],
    ["Qwen/Qwen3-VL-235B-A22B-Instruct-FP8", "Qwen3-VL-235B-A22B"],
    ["GLM-5.2", undefined],
    ["GLM-5.3-Flash", undefined],
    ["Llama-3.1-80B", undefined],
    ["", undefined],
  ])("%s is %s", (name, known) => expect(knownModelName(name)).toBe(known));
});

test("every model of the catalogue is read, and is one decoder, behind an encoder where it reads images", () => {
  expect(KNOWN_MODELS.length).toBeGreaterThanOrEqual(20);
  for (const name of KNOWN_MODELS)
    expect(
      knownArchitecture(name)?.stacks.map(({ role }) => role),
      name,
    ).toEqual(knownArchitecture(name)?.images === undefined ? ["decoder"] : ["encoder", "decoder"]);
});

test("GLM-5 and DeepSeek-V3.2 attend to tokens that an indexer chooses, V3 to all", () => {
  const indexers = (name: string): unknown[] =>
    knownArchitecture(name)!
      .stacks.at(-1)!
      .layers.flatMap(({ blocks }) => blocks.flatMap(({ block }) => (block.kind === "latent-attention" ? [block.indexer] : [])));
  expect(indexers("GLM-5")).toEqual(Array.from({ length: 78 }, () => ({ chosen: 2048, scores: "own", heads: 32, headDim: 128 })));
  expect(indexers("DeepSeek-V3.2")).toEqual(Array.from({ length: 61 }, () => ({ chosen: 2048, scores: "own", heads: 64, headDim: 128 })));
  expect(new Set(indexers("DeepSeek-V3"))).toEqual(new Set([undefined]));
});

test("DeepSeek's gates choose groups of experts first, Kimi's do not", () => {
  const gates = (name: string): Set<string> =>
    new Set(
      knownArchitecture(name)
        ?.stacks.at(-1)
        ?.layers.flatMap(({ blocks }) => blocks.map(({ block }) => block))
        .filter((block) => block.kind === "mixture")
        .map(({ gate }) => (gate === undefined ? "any" : `${gate.chosen} of ${gate.groups}`)),
    );
  expect(gates("DeepSeek-V3")).toEqual(new Set(["4 of 8"]));
  expect(gates("DeepSeek-V2")).toEqual(new Set(["3 of 8"]));
  expect(gates("DeepSeek-V2-Lite")).toEqual(new Set(["any"]));
  expect(gates("Kimi-K2")).toEqual(new Set(["any"]));
});
