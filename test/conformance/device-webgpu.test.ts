/**
 * Goal: the WebGPU provider keeps the contract, and tensors stay on the device. Method: the suite on a GPU in software (SwiftShader, fetched before
 * the tests start), in a process of its own: a native library that gives up takes its process with it.
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, test } from "vitest";
import { keepsFloor } from "../../bench/bench.ts";
import { bench } from "../../bench/gpu.bench.ts";
import { ONNX_SAMPLES, sampleFile, sampleFolder } from "../../scripts/onnx-samples.ts";
import { bytesOf } from "../../src/base/bytes.ts";
import type { OpenDevice } from "../../src/execute/device/device-driver.ts";
import { openOrtDevice, ortDeviceDriver, ortRuntime } from "../../src/execute/drivers/ort/device.ts";
import { allCases } from "../../src/execute/validate/cases/all-cases.ts";
import { checkOperators } from "../../src/execute/validate/checks/operator-check.ts";
import { onnxProgram } from "../../src/graph/program/onnx-program.ts";
import type { Program } from "../../src/graph/program/program.ts";
import type { Device } from "../../src/rack/rack.ts";
import { affineProgram, affineSample, programOfGraph, tensorOf, typedProgram, wholeNumbers } from "../support/device-samples.ts";
import { failingDriver } from "../support/failing-runtime.ts";
import { randomCut } from "../support/run-pieces.ts";
import { controlModel, info, node } from "../support/tiny-onnx.ts";
import { deviceSuite } from "./device.suite.ts";
import type { DeviceCase } from "./device-checks.ts";

const row: Device = { id: "gpu-0", kind: "gpu", driver: "ort", target: "webgpu", threads: 1, cores: [0], memory: "hbm" };
const webgpu: DeviceCase = {
  name: "ort, webgpu",
  row,
  driver: async () => ortDeviceDriver,
  failing: async () => failingDriver(ortRuntime, openOrtDevice),
};

const absent =
  process.env["HEDDLE_NO_GPU"] ??
  (await ortDeviceDriver.open({ device: row, memoryBytes: 1 << 20 }).then(
    (device) => device.close().then(() => undefined),
    (error: unknown) => (error as Error).message.slice(0, 300),
  ));
deviceSuite(webgpu, absent);

describe.skipIf(absent !== undefined)("tensors of a GPU", () => {
  let device: OpenDevice;
  beforeAll(async () => {
    device = await ortDeviceDriver.open({ device: row, memoryBytes: 1 << 24 });
  });

  it("stay there from stage to stage and while state grows", async () => {
    const program = affineProgram(wholeNumbers);
    const [first, second] = [
      await device.load(await device.compile(program.stage([0]))),
      await device.load(await device.compile(program.stage([1, 2]))),
    ];
    const { inputs, expected } = affineSample();
    let { outputs } = await first.run({ x: await device.upload(inputs["x"]!) });
    ({ outputs } = await second.run(outputs));
    let state = await device.upload(tensorOf("f32", [1, 24], wholeNumbers(24)));
    for (let i = 0; i < 3; i++) state = await device.append(state, outputs["y"]!);
    expect(device.telemetry().downloadedBytes).toBe(0);
    const { dims, data } = await device.download(state);
    expect([dims, [...data.slice(24)].map(Number)]).toEqual([[10, 24], [1, 2, 3].flatMap(() => [...expected!["y"]!.data].map(Number))]);
    expect(device.telemetry().downloadedBytes).toBe(960);
  });

  it("refuses convolutions that the provider computes wrongly, and computes the others", async () => {
    const reference = await ortDeviceDriver.open({
      device: { id: "cpu", kind: "cpu", driver: "ort", threads: 1, cores: [0], memory: "dram" },
      memoryBytes: 1 << 26,
    });
    const roomy = await ortDeviceDriver.open({ device: row, memoryBytes: 1 << 26 });
    const cases = allCases().filter(({ operator }) => operator.startsWith("Conv"));
    const findings = await checkOperators({ device: roomy, reference, reopen: async () => roomy }, cases);
    await Promise.all([roomy.close(), reference.close()]);
    expect(findings.filter(({ verdict }) => verdict === "fail")).toEqual([]);
    const refused = findings.filter(({ detail }) => detail.includes("wrongly")).map(({ name }) => name);
    expect(refused.sort()).toEqual([
      "Conv f32 [2, 33, 9, 11] x f32 [8, 33, 3, 3]",
      "Conv f32 [2, 6, 9, 11] x f32 [10, 3, 3, 3], two groups",
      "Conv f32 [2, 6, 9, 11] x f32 [12, 3, 3, 3], two groups",
      "Conv f32 [2, 6, 9, 11] x f32 [14, 3, 3, 3], two groups",
      "Conv f32 [2, 6, 9, 11] x f32 [8, 6, 3, 3]",
      "Conv f32 [3, 9, 19] x f32 [8, 9, 3], in threes",
    ]);
    expect(findings.filter(({ verdict }) => verdict === "pass").length).toBeGreaterThan(12);
  });

  it("refuses what the provider would hand to the CPU", async () => {
    const supported = (program: Program) => device.supports(program.graph, 0);
    expect(supported(typedProgram("Add", "f32"))).toEqual({ ok: true });
    expect(supported(typedProgram("Add", "i64"))).toEqual({ ok: false, reason: expect.stringContaining("CPU") });
    const control = onnxProgram(bytesOf(controlModel()));
    expect(supported(control)).toEqual({ ok: false, reason: expect.stringContaining("inside an operator") });
    await expect(device.compile(control.stage([0]))).rejects.toMatchObject({ code: "stage-unsupported" });
    const sized = programOfGraph({
      name: "sized",
      input: [info("x", 1, [1, 3, "h", 8])],
      node: [node("GlobalAveragePool", ["x"], ["mean"]), node("Shape", ["mean"], ["sizes"])],
      output: [info("sizes", 7, [4])],
    });
    expect([0, 1].map((id) => device.supports(sized.graph, id).ok)).toEqual([true, false]);
    expect(supported(typedProgram("Add", "f64"))).toEqual({ ok: false, reason: expect.stringContaining("f64") });
  });
});

/** Small ones, with convolutions laid out anew, sizes computed and an LSTM. */
const published = ONNX_SAMPLES.flatMap((wheel) => wheel.models.map((sample) => sampleFile(wheel, sample))).filter((file) =>
  /cls_infer|16k_op15|encoder|embedding_model/.test(file),
);
for (const file of published) {
  const path = join(sampleFolder(process.env), file);
  test.skipIf(absent !== undefined || !existsSync(path))(`stages of accepted operators compile: ${file}`, async () => {
    const device = await ortDeviceDriver.open({ device: row, memoryBytes: 1 << 30 });
    const program = onnxProgram(bytesOf(readFileSync(path)));
    let compiled = 0;
    for (const piece of randomCut(program, 5, 8)) {
      const refused = piece.findIndex((id) => !device.supports(program.graph, id).ok);
      const accepted = refused < 0 ? piece : piece.slice(0, refused);
      if (accepted.length === 0) continue;
      await device.compile(program.stage(accepted));
      compiled++;
    }
    expect(compiled).toBeGreaterThan(0);
    await device.close();
  });
}

test.skipIf(absent !== undefined)("the bench of a GPU runs, and its results are the CPU's", async () => {
  const { setup, figures } = await bench.run({ note: () => {}, rest: ["--tiny"] });
  expect(setup.join()).toContain("webgpu");
  expect(figures.filter((figure) => keepsFloor(figure) === false)).toEqual([]);
  expect(figures.filter((figure) => keepsFloor(figure) === true).length).toBe(4);
  await expect(bench.run({ note: () => {}, rest: ["--fast"] })).rejects.toMatchObject({ code: "usage" });
});

test("the loader of this process finds a driver it was started with", () => {
  if (absent === undefined) expect(process.env["VK_ICD_FILENAMES"]).toMatch(/json$/);
  else expect(absent).toMatch(/\w/);
});
