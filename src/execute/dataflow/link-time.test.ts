import { describe, expect, it } from "vitest";
import { linkTimeNs } from "./link-time.ts";

/** 1 us and 1 ns a byte. */
const LINK = { source: 0, target: 1, latencyNs: 1000, bytesPerSecond: 1e9, channel: 0 };

describe("link-time", () => {
  it("is all of a transfer that no run held up", () => {
    expect(linkTimeNs(LINK, { startNs: 100, endNs: 90_100, bytes: 10, busyUntilNs: 0 })).toBe(90_000);
    expect(linkTimeNs(LINK, { startNs: 100, endNs: 90_100, bytes: 10, busyUntilNs: 99 })).toBe(90_000);
  });

  it("is what came after a run that held it up", () => {
    expect(linkTimeNs(LINK, { startNs: 0, endNs: 50_000_000, bytes: 10, busyUntilNs: 49_990_000 })).toBe(10_000);
  });

  it("is no less than the link's figures, and no more than the transfer took", () => {
    expect(linkTimeNs(LINK, { startNs: 0, endNs: 50_000_000, bytes: 4_000_000, busyUntilNs: 49_990_000 })).toBe(4_001_000);
    expect(linkTimeNs(LINK, { startNs: 0, endNs: 2_000_000, bytes: 4_000_000, busyUntilNs: 1_999_000 })).toBe(2_000_000);
    expect(linkTimeNs(LINK, { startNs: 5, endNs: 5, bytes: 0, busyUntilNs: 5 })).toBe(1);
  });
});
