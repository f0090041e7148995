/** Goal: OpenVINO's CPU keeps the contract of devices; one it does not have is told. Method: the suite of all drivers. */
import { describe, expect, it } from "vitest";
import { deviceDriverByName } from "../../src/execute/device/device-driver-by-name.ts";
import { openOpenvinoDevice, openvinoRuntime } from "../../src/execute/drivers/openvino/device.ts";
import type { Device } from "../../src/rack/rack.ts";
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
  it("tells the devices there are where the row names another", async () => {
    const driver = await deviceDriverByName("openvino");
    const opened = driver.open({ device: { ...row, kind: "npu", target: "NPU.7" }, memoryBytes: 1 << 20 });
    await expect(opened).rejects.toMatchObject({ code: "driver-missing", detail: expect.stringContaining("CPU") });
  });
});
