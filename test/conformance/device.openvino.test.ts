/** Goal: OpenVINO's CPU keeps the contract of devices; one it does not have is told. Method: the suite of all drivers. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { deviceDriverByName } from "../../src/execute/device/device-driver-by-name.ts";
import { openOpenvinoDevice, openvinoRuntime } from "../../src/execute/drivers/openvino/device.ts";
import { allCases } from "../../src/execute/validate/cases/all-cases.ts";
import { checkOperators } from "../../src/execute/validate/checks/operator-check.ts";
import type { Device } from "../../src/rack/rack.ts";
import { affineSample } from "../support/device-samples.ts";
import { failingDriver } from "../support/failing-runtime.ts";
import { openvinoAbsent } from "../support/openvino.ts";
import { deviceSuite } from "./device.suite.ts";

const row: Device = { id: "openvino-0", kind: "cpu", driver: "openvino", threads: 1, cores: [0], memory: "dram" };
const absent = await openvinoAbsent();

deviceSuite(
  {
    name: "openvino, CPU",
    row,
    driver: () => deviceDriverByName("openvino"),
    failing: async () => failingDriver(openvinoRuntime, openOpenvinoDevice),
  },
  absent,
);

describe.skipIf(absent !== undefined)("devices of OpenVINO", () => {
  it("give scalars, and refuse attention that the library would compute wrongly", async () => {
    const opened = async (driver: string) => (await deviceDriverByName(driver)).open({ device: { ...row, driver }, memoryBytes: 1 << 26 });
    const [device, reference] = [await opened("openvino"), await opened("ort")];
    const cases = allCases().filter(
      ({ name, operator }) => name.includes("to one value") || ["DynamicQuantizeLinear", "GroupQueryAttention"].includes(operator),
    );
    const findings = await checkOperators({ device, reference, reopen: () => opened("openvino") }, cases);
    const said = (part: string) => findings.filter(({ name }) => name.includes(part)).map(({ verdict, detail }) => `${verdict}: ${detail}`);
    expect(said("to one value")).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^pass/)));
    expect(said("DynamicQuantizeLinear")).toEqual([expect.stringMatching(/^pass/)]);
    expect(said("sizes fixed")).toEqual(
      Array.from({ length: 2 }, () => expect.stringMatching(/^skip: the device refuses it.*both are fixed/)),
    );
    expect(said("past of 4, sizes open")).toEqual([expect.stringMatching(/^pass/), expect.stringMatching(/^skip.*one sequence only/)]);
    await Promise.all([device.close(), reference.close()]);
  });

  it("take compiled stages from the cache folder, unless the file is damaged or for other threads", async () => {
    const cacheFolder = mkdtempSync(join(tmpdir(), "heddle-blobs-"));
    const { stage, inputs, expected } = affineSample();
    const compiledBy = async (threads: number, folder: string | undefined = cacheFolder) => {
      const options = { device: { ...row, threads }, memoryBytes: 1 << 24, ...(folder === "" ? {} : { cacheFolder: folder }) };
      const device = await (await deviceDriverByName("openvino")).open(options);
      const compiled = await device.compile(stage);
      const { outputs } = await (await device.load(compiled)).run({ x: await device.upload(inputs["x"]!) });
      expect((await device.download(outputs["y"]!)).data).toEqual(expected!["y"]!.data);
      await device.close();
      expect(compiled.compileNs === 0).toBe(compiled.fromCache);
      return compiled.fromCache;
    };
    expect(await compiledBy(1, "")).toBe(false);
    expect(await compiledBy(1)).toBe(false);
    expect(await compiledBy(1)).toBe(true);
    expect(await compiledBy(2)).toBe(false);
    for (const name of readdirSync(join(cacheFolder, "openvino-blobs"))) {
      const path = join(cacheFolder, "openvino-blobs", name);
      const bytes = readFileSync(path);
      bytes[bytes.length - 5]! ^= 1;
      writeFileSync(path, bytes);
    }
    expect(await compiledBy(1)).toBe(false);
    expect(await compiledBy(1)).toBe(true);
    rmSync(cacheFolder, { recursive: true });
  });

  it("tells the devices there are where the row names another", async () => {
    const driver = await deviceDriverByName("openvino");
    const opened = driver.open({ device: { ...row, kind: "npu", target: "NPU.7" }, memoryBytes: 1 << 20 });
    await expect(opened).rejects.toMatchObject({ code: "driver-missing", detail: expect.stringContaining("CPU") });
  });
});
