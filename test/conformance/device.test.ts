/** Goal: every device driver keeps the contract. Method: one suite; a device is one line here, or a file beside this one where it needs a set-up. */
import { describe, expect, it } from "vitest";
import { deviceDriverByName } from "../../src/execute/device/device-driver-by-name.ts";
import { openOrtDevice, ortRuntime } from "../../src/execute/drivers/ort/device.ts";
import { openOrtWasmDevice, ortWasmRuntime } from "../../src/execute/drivers/ort-wasm/device.ts";
import type { Device } from "../../src/rack/rack.ts";
import { emulatedDriver, emulatedRow, failingEmulated } from "../support/emulated-row.ts";
import { failingDriver } from "../support/failing-runtime.ts";
import { deviceFaultSuite, deviceSuite } from "./device.suite.ts";
import type { DeviceCase } from "./device-checks.ts";

const row = (driver: string): Device => ({ id: `${driver}-0`, kind: "cpu", driver, threads: 1, cores: [0], memory: "dram" });

const ort: DeviceCase = {
  name: "ort, cpu",
  row: row("ort"),
  driver: () => deviceDriverByName("ort"),
  failing: async () => failingDriver(ortRuntime, openOrtDevice),
};

deviceSuite(ort);
deviceSuite({
  name: "ort-wasm",
  row: row("ort-wasm"),
  driver: () => deviceDriverByName("ort-wasm"),
  failing: async () => failingDriver(ortWasmRuntime, openOrtWasmDevice),
});
const emulated = { driver: emulatedDriver, failing: failingEmulated };
deviceSuite({ ...emulated, name: "emulated, dynamic", row: emulatedRow() });
deviceSuite({ ...emulated, name: "emulated, buckets", row: emulatedRow({ shapes: { type: "bucketed", sizes: [1, 4, 16, 64] } }) });
deviceSuite({ ...emulated, name: "emulated, static shapes", row: emulatedRow({ shapes: { type: "static" }, compileNs: 1e6 }) });
deviceSuite({ ...emulated, name: "emulated, bf16", row: emulatedRow({ format: "bf16", rounding: "inputs" }), tolerance: 0.02 });
deviceFaultSuite(ort);

describe("drivers by name", () => {
  it("tells the names there are, and what an execution provider needs that is not there", async () => {
    await expect(deviceDriverByName("abacus")).rejects.toMatchObject({
      code: "driver-missing",
      detail: expect.stringContaining("ort, ort-wasm"),
    });
    const driver = await deviceDriverByName("ort");
    const open = (target: string) => driver.open({ device: { ...row("ort"), kind: "gpu", target }, memoryBytes: 1 << 20 });
    await expect(open("coreml")).rejects.toMatchObject({ code: "driver-missing", detail: expect.stringContaining("macOS") });
    await expect(open("abacus")).rejects.toMatchObject({ code: "driver-missing", detail: expect.stringContaining("cpu, webgpu") });
  });
});
