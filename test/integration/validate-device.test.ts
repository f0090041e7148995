// Goal: a right device passes every check, and every check fails on a device that does what it is for wrong. Method: wrappers around real devices.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytesOf } from "../../src/base/bytes.ts";
import { validationPage } from "../../src/cli/validate/validation-page.ts";
import type { DeviceTensor, OpenDevice } from "../../src/execute/device/device-driver.ts";
import { deviceDriverByName } from "../../src/execute/device/device-driver-by-name.ts";
import { allCases } from "../../src/execute/validate/cases/all-cases.ts";
import { checkBatchInvariance } from "../../src/execute/validate/checks/batch-check.ts";
import { checkDeterminism } from "../../src/execute/validate/checks/determinism-check.ts";
import { checkFailures } from "../../src/execute/validate/checks/failure-check.ts";
import { checkMemory } from "../../src/execute/validate/checks/memory-check.ts";
import { checkModel } from "../../src/execute/validate/checks/model-check.ts";
import { checkOperators } from "../../src/execute/validate/checks/operator-check.ts";
import { samples } from "../../src/execute/validate/checks/samples.ts";
import { checkSpeed } from "../../src/execute/validate/checks/speed-check.ts";
import { checkTokens } from "../../src/execute/validate/checks/token-check.ts";
import { CHECKS, type CheckName, type Finding } from "../../src/execute/validate/finding.ts";
import type { Subject } from "../../src/execute/validate/subject.ts";
import { validateDevice } from "../../src/execute/validate/validate-device.ts";
import { decoderFromGguf } from "../../src/graph/gguf/decoder-from-gguf.ts";
import { readGguf } from "../../src/graph/gguf/read-gguf.ts";
import { programFromBuilder } from "../../src/graph/program/onnx-program.ts";
import type { Device } from "../../src/rack/rack.ts";
import { emulatedRow } from "../support/emulated-row.ts";
import { DEVICE_FAULTS } from "../support/faulty-devices.ts";
import { tinyGguf } from "../support/tiny-gguf.ts";
import { maskedModel, mixedModel } from "../support/tiny-onnx.ts";

const ROOM = 256 << 20;
/** Far more than any CPU does, so that a right device is slow beside it, and one with wrong times is not. */
const peaks = [{ type: "f32", operationsPerSecond: 1e13, basis: "data-sheet", source: "made up" }] as const;
const row: Device = { id: "cpu", kind: "cpu", driver: "ort", threads: 1, cores: [0], memory: "dram", peaks };

const few = allCases().filter(({ operator }) => ["MatMul", "Gemm", "Tanh", "Softmax"].includes(operator));

const model = { program: programFromBuilder(mixedModel()), sizes: { batch: 2, height: 8 } };
const decoder = { model: decoderFromGguf(readGguf(bytesOf(tinyGguf())), "tiny"), tokens: [1, 5, 9, 3, 7, 2], name: "tiny" };

function run(check: CheckName, subject: Subject): Promise<readonly Finding[]> {
  switch (check) {
    case "operators":
      return checkOperators(subject, few);
    case "model":
      return checkModel(subject, model);
    case "tokens":
      return checkTokens(subject, decoder).then(({ finding }) => [finding]);
    case "determinism":
      return checkDeterminism(subject, samples());
    case "batch":
      return checkBatchInvariance(subject);
    case "memory":
      return checkMemory(subject, samples());
    case "failure":
      return checkFailures(subject, samples(), []);
    case "speed":
      return checkSpeed(subject, { device: row, bandwidthBytesPerSecond: 1e13 });
  }
}

describe("checks of a device", () => {
  let reference: OpenDevice;
  const opened: OpenDevice[] = [];
  const open = async (memoryBytes = ROOM, device: Device = row): Promise<OpenDevice> => {
    const made = await (await deviceDriverByName(device.driver)).open({ device, memoryBytes });
    opened.push(made);
    return made;
  };
  const around = async (wrap: (device: OpenDevice) => OpenDevice, device: Device = row): Promise<Subject> => ({
    device: wrap(await open(ROOM, device)),
    reference,
    reopen: async (memoryBytes) => wrap(await open(memoryBytes, device)),
  });

  beforeAll(async () => {
    reference = await open();
  });
  afterAll(async () => {
    for (const device of opened) await device.close();
  });

  it.each(CHECKS)("%s: a right device passes", async (check) => {
    const findings = await run(check, await around((device) => device));
    expect(findings.filter(({ verdict }) => verdict === "fail")).toEqual([]);
    expect(findings.filter(({ verdict }) => verdict !== "skip").length).toBeGreaterThan(0);
  });

  it.each(DEVICE_FAULTS)("$check: finds $name", async ({ check, finding, wrap }) => {
    const findings = await run(check, await around(wrap));
    const failed = findings.filter(({ verdict }) => verdict === "fail").map(({ name }) => name);
    expect(failed.filter((name) => name.includes(finding)).length, failed.join("; ")).toBeGreaterThan(0);
  });

  it("a model that masks with infinities and huge numbers is held to a bound that says something", async () => {
    const masked = { program: programFromBuilder(maskedModel()), sizes: {} };
    const whole = async (device: OpenDevice) =>
      (await checkModel({ device, reference, reopen: () => open() }, masked)).find(({ check }) => check === "model")!;
    const right = await open();
    expect((await whole(right)).verdict).toBe("pass");
    const { tolerance } = (await whole(right)).divergence!;
    expect(tolerance).toBeLessThan(1e-3);
    const fault = DEVICE_FAULTS.find(({ check }) => check === "model")!;
    expect((await whole(fault.wrap(right))).verdict).toBe("fail");
  });

  it("functions may be as far off as the device's description says, and no further", async () => {
    const sines = allCases().filter(({ operator }) => operator === "Sin");
    const off = (by: number) => (device: OpenDevice) => {
      const approximations = [{ operators: ["Sin"], error: 2 ** -11, source: "a specification" }];
      return {
        ...device,
        describe: () => ({ ...device.describe(), numerics: { ...device.describe().numerics, approximations } }),
        download: async (tensor: DeviceTensor) => {
          const host = await device.download(tensor);
          return { ...host, data: (host.data as Float32Array).map((value) => value + by) };
        },
      };
    };
    const verdicts = async (by: number) => (await checkOperators(await around(off(by)), sines)).map(({ verdict }) => verdict);
    expect(new Set(await verdicts(2e-4))).toEqual(new Set(["pass"]));
    expect(new Set(await verdicts(6e-4))).toEqual(new Set(["fail"]));
  });

  it("every check has a planted fault", () => {
    expect(CHECKS.filter((check) => !DEVICE_FAULTS.some((fault) => fault.check === check))).toEqual([]);
  });

  it("an emulated device of narrow numbers passes within what they allow, and its report says it is emulated", async () => {
    const emulated = emulatedRow({ format: "bf16", rounding: "inputs", shapes: { type: "bucketed", sizes: [1, 16, 128, 1024] } });
    const subject = await around((device) => device, emulated);
    const validation = await validateDevice(subject, {
      device: "made",
      reference: "ort",
      figures: { device: { ...emulated, peaks: [] }, bandwidthBytesPerSecond: undefined },
      model,
      decoder,
    });
    expect(validation.findings.filter(({ verdict }) => verdict === "fail")).toEqual([]);
    expect(validation.checks.find(({ check }) => check === "operators")!.counts.pass).toBeGreaterThan(150);
    const moved = validation.findings.find(({ name }) => name.startsWith("MatMul f32 [7, 129]"))!.divergence!;
    expect(moved.maxRelative).toBeGreaterThan(1e-4);
    const page = validationPage({ ...validation, device: "<made>" });
    expect(page).toContain("is emulated");
    expect(page).not.toContain("<made>");
    expect(page).not.toMatch(/<script|https?:/);
  });
});
