// Goal: every driver keeps its promises about numerics, lanes and blocks. Method: one suite over a tiny 4-bit model.
import { createOrtDriver } from "../../src/execute/drivers/ort/driver.ts";
import { createOrtWasmDriver } from "../../src/execute/drivers/ort-wasm/driver.ts";
import { driverSuite } from "./driver.suite.ts";

driverSuite({ name: "ort", create: createOrtDriver });
driverSuite({ name: "ort-wasm", create: createOrtWasmDriver });
