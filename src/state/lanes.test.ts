// Goal: lanes stay dense and within their pages. Method: scenarios, and random opening, growing and closing held against the plain formula.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { closeLane, createLanes, laneFits, lowestFreeLane, openLanes, paddedPages, setLanePages, workingPages } from "./lanes.ts";

describe("lanes", () => {
  it("are all padded to the longest, up to the highest open one", () => {
    const lanes = createLanes(4, 20);
    setLanePages(lanes, 0, 3);
    setLanePages(lanes, 2, 1);
    expect(workingPages(lanes)).toBe(9);
    closeLane(lanes, 2);
    expect(workingPages(lanes)).toBe(3);
  });

  it("are taken from below", () => {
    const lanes = createLanes(3, 30);
    for (let lane = 0; lane < 3; lane++) {
      expect(lowestFreeLane(lanes)).toBe(lane);
      setLanePages(lanes, lane, 1);
    }
    expect(lowestFreeLane(lanes)).toBeUndefined();
    closeLane(lanes, 1);
    expect(lowestFreeLane(lanes)).toBe(1);
    expect(openLanes(lanes)).toBe(2);
  });

  it("are padded in steps that never shrink a lane and waste at most a quarter", () => {
    let before = 0;
    for (let pages = 1; pages < 2000; pages++) {
      const padded = paddedPages(pages);
      expect(padded >= pages && padded >= before && padded <= Math.max(pages, pages * 1.25)).toBe(true);
      expect(paddedPages(padded)).toBe(padded);
      before = padded;
    }
  });

  it("assert their capacity and their closing", () => {
    const lanes = createLanes(2, 4);
    setLanePages(lanes, 0, 2);
    expect(() => setLanePages(lanes, 1, 3)).toThrow("lanes stay within their pages");
    expect(() => closeLane(lanes, 1)).toThrow("closed once");
  });

  it("never go over their pages, whatever opens, grows and closes", () => {
    const operation = fc.record({ open: fc.boolean(), lane: fc.nat(4), pages: fc.integer({ min: 1, max: 12 }) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(operation, { maxLength: 60 }), (capacity, operations) => {
        const lanes = createLanes(5, capacity);
        for (const { open, lane, pages } of operations) {
          if (!open && lanes.pages[lane]! > 0) closeLane(lanes, lane);
          else if (open && laneFits(lanes, lane, pages)) setLanePages(lanes, lane, pages);
          const held = [...lanes.pages];
          const highest = held.findLastIndex((count) => count > 0);
          expect(workingPages(lanes)).toBe((highest + 1) * paddedPages(Math.max(...held)));
          expect(workingPages(lanes)).toBeLessThanOrEqual(capacity);
        }
      }),
      { numRuns: 200, seed: 8 },
    );
  });
});
