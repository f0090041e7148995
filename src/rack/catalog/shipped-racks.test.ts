/** Goal: the racks under examples/ and the catalogue tell the same device by the same figures. Method: memories of the devices that both have. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { readRack } from "../rack-file.ts";
import { findDeviceSheet } from "./catalog.ts";

it.each([
  ["unlike-devices", "h100-hbm", "h100-sxm"],
  ["unlike-devices", "l40s-gddr", "l40s"],
  ["emulated-desk", "dataflow-hbm", "sambanova-sn40l"],
  ["emulated-desk", "ipu-dram", "ipu-e2100"],
  ["emulated-devices", "dpu-dram", "bluefield-3"],
])("%s: %s is the memory of %s", (rack, memory, device) => {
  const { memories } = readRack(readFileSync(`examples/racks/${rack}.yaml`, "utf8"));
  const { capacityBytes, bandwidthBytesPerSecond } = memories.find(({ id }) => id === memory)!;
  const sheet = findDeviceSheet(device)!;
  expect({ capacityBytes, bandwidthBytesPerSecond }).toEqual({
    capacityBytes: sheet.memory.capacityBytes.value,
    bandwidthBytesPerSecond: sheet.memory.bandwidthBytesPerSecond.value,
  });
});
