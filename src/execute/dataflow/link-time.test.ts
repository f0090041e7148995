import { describe, expect, it } from "vitest";
import { createLinkModel, predictTransferNs, recordTransfer } from "../../engine/dataflow/link-model.ts";
import { linkTimeNs, linkTimes } from "./link-time.ts";

/** 1 us and 1 ns a byte. */
const LINK = { source: 0, target: 1, latencyNs: 1000, bytesPerSecond: 1e9, channel: 0 };

describe("link-time", () => {
  it("is all of a transfer that no run held up", () => {
    expect(linkTimeNs(LINK, { startNs: 100, endNs: 90_100, bytes: 10, busyUntilNs: 0, freeAtNs: 0 })).toBe(90_000);
    expect(linkTimeNs(LINK, { startNs: 100, endNs: 90_100, bytes: 10, busyUntilNs: 99, freeAtNs: 0 })).toBe(90_000);
  });

  it("is what came after a run that held it up", () => {
    expect(linkTimeNs(LINK, { startNs: 0, endNs: 50_000_000, bytes: 10, busyUntilNs: 49_990_000, freeAtNs: 0 })).toBe(10_000);
  });

  it("is no less than the link's figures, and no more than the transfer took", () => {
    expect(linkTimeNs(LINK, { startNs: 0, endNs: 50_000_000, bytes: 4_000_000, busyUntilNs: 49_990_000, freeAtNs: 0 })).toBe(4_001_000);
    expect(linkTimeNs(LINK, { startNs: 0, endNs: 2_000_000, bytes: 4_000_000, busyUntilNs: 1_999_000, freeAtNs: 0 })).toBe(2_000_000);
    expect(linkTimeNs(LINK, { startNs: 5, endNs: 5, bytes: 0, busyUntilNs: 5, freeAtNs: 0 })).toBe(1);
  });

  it("is what came after the transfer before it on the channel, so that many at once take together what they took", () => {
    const model = createLinkModel(LINK);
    const timeNs = linkTimes({ memories: [], classes: [], devices: [], links: [LINK] });
    for (let i = 0; i < 36; i++) {
      const command = {
        type: "transfer",
        transfer: i,
        storage: i,
        link: 0,
        source: 0,
        target: 1,
        fromByte: 0,
        toByte: 384,
        purpose: "fetch",
      } as const;
      const times = { startNs: i * 100_000, endNs: 7_000_000 + i * 5_000, busyUntilNs: 0 };
      recordTransfer(model, 384, timeNs(command, times));
    }
    // All have taken 7.2 ms; with each one's own time from its start the sum was 120 ms.
    expect(36 * predictTransferNs(model, 384)).toBeLessThan(8_000_000);
  });
});
