import { describe, expect, it } from "vitest";
import { toHeddleError } from "../../base/heddle-error.ts";
import { DEVICE_SHEETS, deviceSheet } from "./catalog.ts";
import { readDeviceSheet, writeDeviceSheet } from "./device-sheet-file.ts";

const TEN_LINES = `
id: thought-1
source: "roadmap of 2028"
vendor: us
kind: gpu
peaks: { bf16: 4 PFLOPS, f8e4m3: 8 PFLOPS }
memory: { capacityBytes: 256 GiB, bandwidthBytesPerSecond: 16 TB/s }
scaleUp: nvlink-5
host: pcie-6-x16
perNode: 64
powerWatts: 1.5 kW
`;

function failure(text: string): { readonly code: string; readonly message: string } {
  try {
    readDeviceSheet(text);
  } catch (thrown) {
    return toHeddleError(thrown);
  }
  throw new Error("the sheet was read");
}

describe("a device sheet in YAML", () => {
  it("describes a device that does not exist in ten lines", () => {
    const sheet = readDeviceSheet(TEN_LINES);
    expect(sheet.peaks.bf16).toEqual({ value: 4e15, basis: "derived", source: "roadmap of 2028" });
    expect(sheet.memory.capacityBytes.value).toBe(256 * 1024 ** 3);
    expect(sheet.scaleUp?.bandwidthBytesPerSecond.value).toBe(900e9);
    expect(sheet.powerWatts?.value).toBe(1500);
    expect(sheet.cores).toBeUndefined();
  });

  it("is like another one with twice the bandwidth in two lines, less its price", () => {
    const h100 = deviceSheet("h100-sxm");
    const sheet = readDeviceSheet("{ id: h100-fast, like: h100-sxm }\n".replace(" }", ", memory: { bandwidthBytesPerSecond: x2 } }"));
    expect(sheet.memory.bandwidthBytesPerSecond.value).toBe(2 * h100.memory.bandwidthBytesPerSecond.value);
    expect(sheet.memory.bandwidthBytesPerSecond.source).toContain("2 x NVIDIA H100");
    expect(sheet.memory.capacityBytes).toEqual(h100.memory.capacityBytes);
    expect(sheet.peaks).toEqual(h100.peaks);
    expect(h100.dollarsPerHour).toBeDefined();
    expect(sheet.dollarsPerHour).toBeUndefined();
    const all = readDeviceSheet("id: h100-half\nlike: h100\npeaks: x0.5\n");
    expect(all.peaks.f8e4m3?.value).toBe(h100.peaks.f8e4m3!.value / 2);
    expect(readDeviceSheet("id: third\nlike: thought-1\nperNode: 8\n", [readDeviceSheet(TEN_LINES)]).perNode?.value).toBe(8);
  });

  it.each(DEVICE_SHEETS.map((sheet) => [sheet.id, sheet] as const))("holds all of %s: written and read it is equal", (_id, sheet) => {
    expect(readDeviceSheet(writeDeviceSheet(sheet))).toEqual(sheet);
  });

  const faults: readonly [string, string, RegExp][] = [
    ["an unknown field", TEN_LINES.replace("kind:", "sort:"), /line 5, sort.*no such field/],
    ["an unknown device to be like", "id: a\nlike: h1000\n", /line 2, like.*near it: h100/],
    ["a unit of another quantity", TEN_LINES.replace("16 TB/s", "16 TFLOPS"), /line 7, memory.bandwidthBytesPerSecond.*bytes\/s/],
    ["a bandwidth in GB/s without its unit", TEN_LINES.replace("16 TB/s", "16000"), /line 7, memory.bandwidthBytesPerSecond.*expected/],
    ["a factor of nothing", TEN_LINES.replace("64", "x2"), /line 10, perNode.*x2 of what/],
    ["an unknown link", TEN_LINES.replace("nvlink-5", "nvlink-8"), /line 8, scaleUp.*near it: nvlink/],
    ["no memory", TEN_LINES.replace(/memory:.*\n/, ""), /memory.capacityBytes.*missing/],
    ["peaks that are one number", TEN_LINES.replace(/peaks:.*\n/, "peaks: 4 PFLOPS\n"), /line 6, peaks/],
    ["a type that is none", TEN_LINES.replace("bf16", "b16"), /line 6, peaks/],
    ["a sparse figure", TEN_LINES.replace("8 PFLOPS", "16 PFLOPS"), /peaks.f8e4m3 is 4.00 times/],
    ["a negative figure", TEN_LINES.replace("perNode: 64", "perNode: -64"), /line 10, perNode/],
    ["no YAML", "id: [", /line 1/],
  ];

  it.each(faults)("is refused with line and field: %s", (_fault, text, expected) => {
    const error = failure(text);
    expect(error.code).toBe("device-sheet-invalid");
    expect(error.message).toMatch(expected);
  });
});
