/** Goal: the ipu device keeps the contract of devices, with stages of its own. */
import { deviceDriverByName } from "../../src/execute/device/device-driver-by-name.ts";
import { openIpu } from "../../src/execute/drivers/ipu/open-ipu.ts";
import { runOperator } from "../../src/execute/drivers/ipu/operators.ts";
import { stateSamples } from "../support/state-samples.ts";
import { deviceSuite } from "./device.suite.ts";

deviceSuite({
  name: "ipu",
  row: { id: "ipu-0", kind: "ipu", driver: "ipu", threads: 1, cores: [0], memory: "dram" },
  driver: () => deviceDriverByName("ipu"),
  failing: async () => {
    let failing = false;
    const kernel: typeof runOperator = (operator, inputs) => {
      if (failing) throw new RangeError("planted");
      return runOperator(operator, inputs);
    };
    return {
      driver: { id: "ipu", open: async (options) => openIpu(options, kernel) },
      fail: () => {
        failing = true;
      },
    };
  },
  samples: stateSamples,
});
