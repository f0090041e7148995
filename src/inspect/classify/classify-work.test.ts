/**
 * Goal: estimates and labels are those a pencil gives, and a wrong formula is seen.
 * Method: a device of round figures (1 TFLOP/s, 100 GB/s, ridge 10, 1 us an operator, a link of 10 GB/s and 5 us); work on both sides of every threshold.
 */
import { describe, expect, it } from "vitest";
import { classifyWork, type PieceOfWork, ridgeOf, type WorkDevice } from "./classify-work.ts";

const grounded = { basis: "data-sheet", source: "a pencil" } as const;
const DEVICE: WorkDevice = {
  peak: { ...grounded, type: "bf16", operationsPerSecond: 1e12 },
  bandwidth: { ...grounded, bytesPerSecond: 1e11 },
  overheads: { ...grounded, launchNs: 9_000, operatorNs: 1_000 },
  link: { ...grounded, to: "other", bytesPerSecond: 1e10, latencyNs: 5_000 },
};
const WORK: PieceOfWork = { flops: 1e9, bytes: 2e7, launches: 10, crossingBytes: 1e6, unknownOperators: 0 };

describe("a piece of work", () => {
  it("takes max(compute, bytes) + launches", () => {
    // 10^9 / 10^12 = 1 ms; 2 x 10^7 / 10^11 = 0.2 ms; 10 launches of 1 us; 10^6 B over 10 GB/s = 0.1 ms.
    expect(classifyWork(WORK, DEVICE)).toMatchObject({
      bound: "compute",
      computeNs: 1e6,
      bytesNs: 2e5,
      launchNs: 1e4,
      estimateNs: 1.01e6,
      intensity: { value: 50, label: "compute" },
      bandwidth: { value: 2e5 / 1.01e6, label: "light" },
      communication: { value: 1e5 / 1.01e6, label: "cheap" },
      latency: { value: (1e4 + 5e3) / 1e6, label: "robust" },
    });
  });

  it("is bound by bytes below the ridge", () => {
    const found = classifyWork({ ...WORK, bytes: 2e8 }, DEVICE);
    expect(found).toMatchObject({ bound: "bandwidth", bytesNs: 2e6, estimateNs: 2.01e6, intensity: { value: 5, label: "bytes" } });
    expect(found.bandwidth).toEqual({ value: 2e6 / 2.01e6, label: "heavy" });
  });

  it("counts as compute at the ridge itself", () => {
    expect(ridgeOf(DEVICE)).toBe(10);
    expect(classifyWork({ ...WORK, bytes: 1e8 }, DEVICE)).toMatchObject({ bound: "compute", intensity: { value: 10, label: "compute" } });
  });

  it.each([
    [1e6 - 1, 1000, "latency"],
    [1.1e9, 1000, "compute"],
  ])("is bound by launches where they take as long as the work: %d operations, %d launches", (flops, launches, bound) => {
    expect(classifyWork({ ...WORK, flops, bytes: 10, launches }, DEVICE).bound).toBe(bound);
  });

  it.each([
    [1.0e6, "cheap"],
    [1.1e6, "overlap"],
    [1.01e7, "dear"],
  ])("says what a cut that moves %d B costs: %s", (crossingBytes, label) => {
    expect(classifyWork({ ...WORK, crossingBytes }, DEVICE).communication.label).toBe(label);
  });

  it.each([
    [10, "robust"],
    [95, "noticeable"],
    [995, "sensitive"],
  ])("says how sensitive %d launches are: %s", (launches, label) => {
    expect(classifyWork({ ...WORK, launches }, DEVICE).latency.label).toBe(label);
  });

  it("claims nothing it lacks a figure for", () => {
    const noPeak = classifyWork(WORK, { ...DEVICE, peak: undefined });
    expect(noPeak).toMatchObject({ bound: "unknown", bytesNs: 2e5 });
    expect([noPeak.computeNs, noPeak.estimateNs, noPeak.bandwidth.value, noPeak.latency.value]).toEqual(Array(4).fill(undefined));
    const bare = classifyWork({ ...WORK, crossingBytes: undefined }, { ...DEVICE, overheads: undefined });
    expect(bare).toMatchObject({ estimateNs: 1e6, launchNs: 0, communication: { label: "unknown" }, latency: { label: "unknown" } });
    expect(classifyWork(WORK, { ...DEVICE, link: undefined }).communication).toEqual({ value: undefined, label: "unknown" });
  });

  it("needs no peak where nothing is multiplied, and no time where nothing runs", () => {
    expect(classifyWork({ ...WORK, flops: 0 }, { ...DEVICE, peak: undefined })).toMatchObject({ bound: "bandwidth", estimateNs: 2.1e5 });
    const none = { ...WORK, flops: 0, bytes: 0, launches: 0 };
    expect(classifyWork(none, DEVICE)).toMatchObject({ bound: "idle", estimateNs: 0 });
    expect(classifyWork({ ...none, unknownOperators: 3 }, DEVICE)).toMatchObject({ bound: "unknown", estimateNs: undefined });
  });
});
