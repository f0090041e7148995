/** Goal: figures of a device are the best it was measured at, else its data sheet's, and say which. Method: small racks with known winners. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Device, Rack } from "../../rack/rack.ts";
import { readRack } from "../../rack/rack-file.ts";
import { deviceFiguresOf } from "./device-figures.ts";
import { peakFor } from "./peak-for.ts";

const EXAMPLE = readRack(readFileSync(new URL("../../../examples/racks/unlike-devices.yaml", import.meta.url), "utf8"));
const CALIBRATED: Device = {
  id: "cpu",
  kind: "cpu",
  driver: "ort",
  threads: 1,
  cores: [0],
  memory: "dram",
  calibration: {
    products: [
      { format: "f32", m: 1, n: 100, k: 100, ns: 10_000 },
      { format: "f32", m: 64, n: 100, k: 100, ns: 12_800 },
      { format: "int4", m: 64, n: 100, k: 100, ns: 6_400 },
    ],
    attention: [],
    launchNs: 5_000,
    operatorNs: 700,
    streamBytesPerSecond: 8e9,
    noise: 0.1,
  },
  peaks: [
    { type: "f32", operationsPerSecond: 9e12, basis: "data-sheet", source: "sheet" },
    { type: "bf16", operationsPerSecond: 5e12, basis: "data-sheet", source: "sheet" },
  ],
};
const RACK: Rack = {
  version: 1,
  name: "r",
  fingerprint: "f",
  devices: [CALIBRATED, { ...CALIBRATED, id: "twin", memory: "dram" }],
  memories: [{ id: "dram", tier: "dram", capacityBytes: 1e9, bandwidthBytesPerSecond: 2e10, basis: "measured" }],
  links: [
    { from: "front-end", to: "cpu", via: "process", latencyNs: 1, bandwidthBytesPerSecond: 9e15, basis: "measured" },
    { from: "dram", to: "cpu", via: "process", latencyNs: 1, bandwidthBytesPerSecond: 8e15, basis: "measured" },
    { from: "cpu", to: "twin", via: "message-port", latencyNs: 9, bandwidthBytesPerSecond: 1e9, basis: "measured" },
    { from: "twin", to: "cpu", via: "message-port", latencyNs: 7, bandwidthBytesPerSecond: 1e9, basis: "measured" },
  ],
};

describe("figures of a device", () => {
  it("takes the rate of the fastest measured product before the data sheet's", () => {
    const [cpu] = deviceFiguresOf(RACK);
    // 2 x 64 x 100 x 100 operations in 12.8 us are 100 GFLOP/s; the single row reaches 2.
    expect(cpu!.peaks.map(({ type, operationsPerSecond, basis }) => [type, operationsPerSecond, basis])).toEqual([
      ["f32", 1e11, "measured"],
      ["i4", 2e11, "measured"],
      ["bf16", 5e12, "data-sheet"],
    ]);
    expect(cpu!.peaks[0]!.source).toBe("fastest of 2 measured f32 products: 64 rows x [100, 100]");
  });

  it("streams at the measured rate, shares its memory, and hands over to devices only", () => {
    const [cpu] = deviceFiguresOf(RACK);
    expect(cpu).toMatchObject({
      bandwidth: { bytesPerSecond: 8e9, basis: "measured" },
      overheads: { launchNs: 5_000, operatorNs: 700 },
      link: { to: "twin", bytesPerSecond: 1e9, latencyNs: 7 },
      memory: { id: "dram", sharedWith: ["twin"] },
    });
  });

  it("reads the example: four unlike devices, every figure with its source", () => {
    const devices = deviceFiguresOf(EXAMPLE);
    expect(devices.map(({ id }) => id)).toEqual(["h100", "l40s", "xeon", "npu"]);
    const ridges = devices
      .slice(0, 3)
      .map(({ peaks, bandwidth }) => peakFor(peaks, "bf16")!.operationsPerSecond / bandwidth.bytesPerSecond);
    expect(ridges.map(Math.round)).toEqual([295, 419, 373]);
    for (const { peaks, bandwidth, link, memory } of devices) {
      for (const { source } of [...peaks, bandwidth, link!, memory]) expect(source).not.toMatch(/not named/);
    }
  });
});

describe("the peak for a type", () => {
  const [h100, , , npu] = deviceFiguresOf(EXAMPLE);

  it.each([
    ["bf16", "bf16"],
    ["i4", "i8"],
    ["u4", "i8"],
    ["u8", "f16"],
    ["f4e2m1", "f8e4m3"],
    ["f64", undefined],
  ] as const)("of %s is that of %s", (type, found) => {
    expect(peakFor(h100!.peaks, type)?.type).toBe(found);
  });

  it("is never of a type that loses values", () => {
    expect(peakFor(npu!.peaks, "bf16")).toBeUndefined();
    const onlyF16 = h100!.peaks.filter(({ type }) => type === "f16" || type === "f32");
    expect(peakFor(onlyF16, "bf16")?.type).toBe("f32");
  });
});
