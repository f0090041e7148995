// Goal: a runtime is told which sessions run prompts, so that threads wait awake there and nowhere else. Method: ONNX Runtime, noting the options of
// every session and whether its graph reads a prompt's past.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadChain } from "../../../../test/support/stage-chain.ts";
import { writeTinyGguf } from "../../../../test/support/tiny-gguf.ts";
import { must } from "../../../base/assert.ts";
import { ok } from "../../../base/result.ts";
import type { ComputeFormat } from "../../../rack/rack.ts";
import { openDecoderModel } from "../../model-store/open-model.ts";
import { loadOrtRuntime } from "../ort/ort-runtime.ts";
import { onnxStageDriver } from "./onnx-stage-driver.ts";

const model = openDecoderModel(writeTinyGguf(join(mkdtempSync(join(tmpdir(), "heddle-phases-")), "tiny.gguf"), { width: 64, layers: 2 }));

interface Told {
  readonly prompt: boolean;
  readonly manyRows: boolean;
}

/** What a driver tells its runtime of each session of a whole model. */
async function told(formats: { readonly prefillFormat: "f32" | "int8-row"; readonly decodeFormat: ComputeFormat }): Promise<Told[]> {
  const loaded = await loadOrtRuntime();
  const runtime = must(loaded.ok ? loaded.value : undefined, "ONNX Runtime is installed");
  const sessions: Told[] = [];
  const noting: typeof runtime.createSession = (onnx, options) => {
    sessions.push({ prompt: Buffer.from(onnx.model).includes("prompt.k.0"), manyRows: options.manyRows ?? false });
    return runtime.createSession(onnx, options);
  };
  const driver = onnxStageDriver("ort", ok({ ...runtime, createSession: noting }), { batchTolerance: 0 });
  await (await loadChain(driver, model, formats)).release();
  return sessions;
}

test("sessions of prompts have many rows, those of decode steps and of the head few", async () => {
  const apart = await told({ prefillFormat: "f32", decodeFormat: "int8-row" });
  expect(apart.filter(({ prompt }) => prompt)).toEqual([{ prompt: true, manyRows: true }]);
  expect(apart.filter(({ prompt }) => !prompt)).toEqual(Array(2).fill({ prompt: false, manyRows: false }));
  const mixed = await told({ prefillFormat: "int8-row", decodeFormat: "int8-row" });
  expect(mixed.filter(({ manyRows }) => manyRows)).toEqual([{ prompt: true, manyRows: true }]);
  expect(mixed).toHaveLength(3);
});
