// Goal: every driver keeps its promises about numerics, lanes and blocks. Method: one suite over a tiny 4-bit model.
import { createLlamaDriver } from "../../src/execute/drivers/llama/driver.ts";
import { createOpenvinoDriver } from "../../src/execute/drivers/openvino/driver.ts";
import { createOrtDriver } from "../../src/execute/drivers/ort/driver.ts";
import { createOrtWasmDriver } from "../../src/execute/drivers/ort-wasm/driver.ts";
import { kernelRefusal } from "../../src/execute/kernels/kernel-module.ts";
import { openvinoAbsent } from "../support/openvino.ts";
import { driverSuite } from "./driver.suite.ts";

const stages = { formats: ["f32", "int4", "int8-row"], boundary: "stage", sealedBlocks: true, logits: "absolute" } as const;

/** Where the machine has none, plans have none either, and say why. */
const decodeFormats = kernelRefusal() === undefined ? (["block-int8"] as const) : [];

driverSuite({ name: "ort", create: createOrtDriver, ...stages, formats: [...stages.formats, ...decodeFormats], decodeFormats });
driverSuite({ name: "ort-wasm", create: createOrtWasmDriver, ...stages });
driverSuite({
  name: "llama",
  create: createLlamaDriver,
  formats: ["file"],
  boundary: "model",
  sealedBlocks: false,
  logits: "relative",
});
driverSuite({
  ...stages,
  name: "openvino",
  create: createOpenvinoDriver,
  formats: ["f32", "bf16", "int4", "block-int8"],
  decodeFormats: ["block-int8"],
  absent: await openvinoAbsent(),
});
