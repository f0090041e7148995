import { describe, expect, it } from "vitest";
import { DEVICE_SHEETS, deviceSheet, findDeviceSheet } from "./catalog.ts";
import type { DeviceSheet } from "./device-sheet.ts";
import { isUnconfirmed } from "./figure.ts";
import { LINK_SHEETS, linkSheet, pcie } from "./links.ts";
import { neededFigure, neededPeak } from "./needed-figure.ts";
import { sheetFaults } from "./sheet-faults.ts";

function failure(work: () => unknown): { readonly code: string; readonly detail: string } {
  try {
    work();
  } catch (thrown) {
    return thrown as { code: string; detail: string };
  }
  throw new Error("nothing was thrown");
}

describe("device catalogue", () => {
  it("has at least 48 devices of 9 vendors, of every kind but engines, with ids of their own", () => {
    expect(DEVICE_SHEETS.length).toBeGreaterThanOrEqual(48);
    expect(new Set(DEVICE_SHEETS.map(({ id }) => id)).size).toBe(DEVICE_SHEETS.length);
    expect(new Set(DEVICE_SHEETS.map(({ vendor }) => vendor)).size).toBeGreaterThanOrEqual(9);
    expect([...new Set(DEVICE_SHEETS.map(({ kind }) => kind))].sort()).toEqual(["cpu", "dataflow", "gpu", "ipu", "npu"]);
  });

  it.each(DEVICE_SHEETS.map((sheet) => [sheet.id, sheet] as const))("%s has plausible figures, each with a source", (_id, sheet) => {
    expect(sheetFaults(sheet)).toEqual([]);
  });

  it("keeps the proportions that makers state", () => {
    const bf16 = (id: string) => neededPeak(deviceSheet(id), "bf16").value;
    expect(bf16("h100-sxm") / bf16("a100-sxm")).toBeCloseTo(3.17, 1);
    expect(bf16("h200-sxm")).toBe(bf16("h100-sxm"));
    expect(bf16("h800-sxm")).toBe(bf16("h100-sxm"));
    expect(deviceSheet("h800-sxm").scaleUp!.bandwidthBytesPerSecond.value).toBeLessThan(
      deviceSheet("h100-sxm").scaleUp!.bandwidthBytesPerSecond.value,
    );
    expect(neededPeak(deviceSheet("mi300x"), "f8e4m3").value / bf16("mi300x")).toBeCloseTo(2, 2);
    expect(neededPeak(deviceSheet("tpu-v7"), "f8e4m3").value / bf16("tpu-v7")).toBeCloseTo(2, 2);
  });

  it("has two figures that no page confirmed, and they say so", () => {
    const unsure = DEVICE_SHEETS.flatMap((sheet) =>
      ([sheet.perNode, sheet.dollarsPerHour] as const).flatMap((figure) =>
        figure !== undefined && isUnconfirmed(figure) ? [`${sheet.id}: ${figure.value}`] : [],
      ),
    );
    expect(unsure.sort()).toEqual(["h100-pcie: 8", "mi300x: 6"]);
    expect(deviceSheet("mi300x").dollarsPerHour!.source).toMatch(/^unconfirmed: from memory of Azure/);
    expect(isUnconfirmed(deviceSheet("mi300x").powerWatts!)).toBe(false);
  });

  it("agrees with aiconfigurator's files of systems to 1 % in peaks and bandwidth", () => {
    const published: readonly [string, number, number, number][] = [
      ["a100_sxm", 312e12, 2039e9, 400],
      ["a100_pcie", 312e12, 1935e9, 300],
      ["a30", 165e12, 933e9, 165],
      ["h100_sxm", 989e12, 3350e9, 700],
      ["h100_pcie", 756.5e12, 2000e9, 350],
      ["h200_sxm", 989e12, 4800e9, 700],
      ["b200_sxm", 2250e12, 7700e9, 1000],
      ["gb200", 2500e12, 8000e9, 1200],
      ["b300_sxm", 2250e12, 7750e9, 1100],
      ["gb300", 2500e12, 8000e9, 1400],
      ["l4", 121e12, 300e9, 72],
      ["l40s", 362.05e12, 864e9, 350],
      ["rtx_pro_6000_server", 467.8e12, 1792e9, 600],
    ];
    for (const [id, peak, bandwidth, watts] of published) {
      const sheet = deviceSheet(id);
      expect(Math.abs(neededPeak(sheet, "bf16").value / peak - 1), id).toBeLessThan(0.01);
      expect(Math.abs(sheet.memory.bandwidthBytesPerSecond.value / bandwidth - 1), id).toBeLessThan(0.01);
      expect(sheet.powerWatts?.value, id).toBe(watts);
    }
  });

  it("takes names as people write them, and offers near ones for those it does not know", () => {
    expect(deviceSheet("H100_SXM").id).toBe("h100-sxm");
    expect(deviceSheet("RTX4090").id).toBe("rtx-4090");
    expect(deviceSheet("h200").id).toBe("h200-sxm");
    expect(findDeviceSheet("constructor")).toBeUndefined();
    expect(findDeviceSheet("")).toBeUndefined();
    const unknown = failure(() => deviceSheet("mi300"));
    expect(unknown.code).toBe("device-unknown");
    expect(unknown.detail).toContain("mi300x");
    expect(failure(() => deviceSheet("tpu-v9")).detail).toContain("tpu-v");
  });

  it("names the figure that is missing", () => {
    const wafer = failure(() => neededPeak(deviceSheet("cerebras-wse-3"), "bf16"));
    expect(wafer.code).toBe("figure-missing");
    expect(wafer.detail).toContain("peaks.bf16");
    const turing = failure(() => neededPeak(deviceSheet("t4"), "bf16"));
    expect(turing.detail).toContain("f16");
    const power = failure(() => neededFigure(deviceSheet("trainium-2"), "powerWatts", deviceSheet("trainium-2").powerWatts));
    expect(power.detail).toContain("powerWatts");
  });
});

describe("plausibility of a sheet", () => {
  const h100 = deviceSheet("h100-sxm");
  const peak = (value: number, source = "test") => ({ value, basis: "data-sheet", source }) as const;
  const b200 = deviceSheet("b200-sxm");
  const planted: readonly [string, string, DeviceSheet][] = [
    ["a 4-bit figure with sparsity", "peaks.f4e2m1", { ...b200, peaks: { ...b200.peaks, f4e2m1: peak(18_000e12) } }],
    ["a figure with sparsity", "peaks.f8e4m3", { ...h100, peaks: { ...h100.peaks, f8e4m3: peak(3957.8e12) } }],
    ["a peak in TFLOPS", "peaks.bf16", { ...h100, peaks: { ...h100.peaks, bf16: peak(989.4) } }],
    ["bandwidth in GB/s", "memory.bandwidth", { ...h100, memory: { ...h100.memory, bandwidthBytesPerSecond: peak(3350) } }],
    ["capacity in GB", "memory.capacity", { ...h100, memory: { ...h100.memory, capacityBytes: peak(80) } }],
    ["no source", "peaks.bf16", { ...h100, peaks: { ...h100.peaks, bf16: peak(989.4e12, "") } }],
    ["power in kW", "powerWatts", { ...h100, powerWatts: peak(0.7) }],
    ["a narrower type that is slower", "peaks.i8", { ...h100, peaks: { ...h100.peaks, i8: peak(9.89e12) } }],
    ["cache slower than memory", "cache.bandwidth", { ...h100, cache: { bytes: peak(50e6), bandwidthBytesPerSecond: peak(1e12) } }],
    ["price of a year", "dollarsPerHour", { ...h100, dollarsPerHour: peak(60_000) }],
    ["not a number", "memory.bandwidth", { ...h100, memory: { ...h100.memory, bandwidthBytesPerSecond: peak(Number.NaN) } }],
  ];

  it.each(planted)("finds %s", (_fault, field, sheet) => {
    expect(sheetFaults(sheet).join("; ")).toContain(field);
  });
});

describe("links", () => {
  it("have ids of their own, sources, and grow with their generation", () => {
    expect(new Set(LINK_SHEETS.map(({ id }) => id)).size).toBe(LINK_SHEETS.length);
    for (const { bandwidthBytesPerSecond, latencyNs } of LINK_SHEETS) {
      expect(bandwidthBytesPerSecond.source.length).toBeGreaterThan(10);
      expect(bandwidthBytesPerSecond.value).toBeGreaterThan(1e9);
      expect(bandwidthBytesPerSecond.value).toBeLessThan(1e13);
      if (latencyNs !== undefined) expect(latencyNs.value).toBeGreaterThan(100);
    }
    for (const [slow, fast] of [
      ["nvlink-4", "nvlink-5"],
      ["infiniband-ndr", "infiniband-xdr"],
      ["pcie-4-x16", "pcie-5-x16"],
    ] as const) {
      expect(linkSheet(fast).bandwidthBytesPerSecond.value / linkSheet(slow).bandwidthBytesPerSecond.value).toBeCloseTo(2, 6);
    }
  });

  it("count the coding of PCI Express", () => {
    expect(pcie(5).bandwidthBytesPerSecond.value).toBe(Math.floor((32e9 * 16 * 128) / 130 / 8));
    expect(failure(() => linkSheet("nvlink-9")).code).toBe("link-unknown");
  });
});
