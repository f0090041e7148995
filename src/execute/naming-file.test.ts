import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HeddleError } from "../base/heddle-error.ts";
import { openInspectSource } from "../cli/inspect-source.ts";
import { loadGraph } from "../sdk/load-graph.ts";
import { openProbe } from "./discover/probe-program.ts";
import { openDecoderModel } from "./model-store/open-model.ts";
import { namingFile } from "./naming-file.ts";
import { openOnnxProgram } from "./seat-worker/open-onnx-program.ts";
import { readModelTask } from "./validate/process/read-model-task.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-damaged-"));
const DAMAGED = { onnx: join(folder, "damaged.onnx"), gguf: join(folder, "damaged.gguf"), folder: join(folder, "damaged") };
const CONFIG = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 64,
  intermediate_size: 128,
  num_attention_heads: 4,
  num_hidden_layers: 2,
  num_key_value_heads: 2,
  vocab_size: 256,
  max_position_embeddings: 128,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
};

beforeAll(() => {
  writeFileSync(DAMAGED.onnx, new Uint8Array(300).fill(0xff));
  writeFileSync(DAMAGED.gguf, new TextEncoder().encode(`GGUF${"x".repeat(300)}`));
  mkdirSync(DAMAGED.folder);
  writeFileSync(join(DAMAGED.folder, "config.json"), JSON.stringify(CONFIG));
  writeFileSync(join(DAMAGED.folder, "model.safetensors"), new Uint8Array(300).fill(0xff));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function refusal(read: () => unknown): Promise<HeddleError> {
  try {
    await read();
  } catch (thrown) {
    if (thrown instanceof HeddleError) return thrown;
    throw thrown;
  }
  throw new Error("it was read");
}

describe("a damaged file is refused with its path", () => {
  it.each([
    ["inspect", "onnx", () => openInspectSource(DAMAGED.onnx)],
    ["inspect", "gguf", () => openInspectSource(DAMAGED.gguf)],
    ["inspect", "folder", () => openInspectSource(DAMAGED.folder)],
    ["execute", "onnx", () => loadGraph(DAMAGED.onnx)],
    ["execute", "gguf", () => loadGraph(DAMAGED.gguf)],
    ["plan, run, up", "gguf", () => openDecoderModel(DAMAGED.gguf)],
    ["plan, run, up", "folder", () => openDecoderModel(DAMAGED.folder)],
    ["devices asked", "onnx", () => openProbe(DAMAGED.onnx)],
    ["a seat", "onnx", () => openOnnxProgram(DAMAGED.onnx)],
    ["validate", "onnx", () => readModelTask({ path: DAMAGED.onnx, text: "", sizes: {} })],
  ] as const)("by %s, %s", async (_by, kind, read) => {
    const { code, where } = await refusal(read);
    expect(code).toBe(kind === "folder" ? "safetensors-invalid" : `${kind}-invalid`);
    expect(where).toContain(DAMAGED[kind]);
  });

  it("once, and with all that the reader said", async () => {
    const inner = new HeddleError("gguf-invalid", { where: "offset 8", detail: "too short", cause: "why" });
    const throwing = (): never => {
      throw inner;
    };
    const named = await refusal(() => namingFile("/a.gguf", () => namingFile("/a.gguf", throwing)));
    expect({ code: named.code, where: named.where, detail: named.detail, cause: named.cause }).toEqual({
      code: "gguf-invalid",
      where: "/a.gguf, offset 8",
      detail: "too short",
      cause: "why",
    });
  });
});
