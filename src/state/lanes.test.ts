// Goal: lanes stay dense and within their pages. Method: scenarios, and random opening, growing and closing held against the plain formula.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { closeLane, createLanes, laneFits, lowestFreeLane, openLanes, setLanePages, workingPages } from "./lanes.ts";

describe("lanes", () => {
  it("hold together what each of them holds", () => {
    const lanes = createLanes(4, 20);
    setLanePages(lanes, 0, 3);
    setLanePages(lanes, 2, 1);
    expect(workingPages(lanes)).toBe(4);
    closeLane(lanes, 2);
    expect(workingPages(lanes)).toBe(3);
  });

  it("leave spare pages for every open lane and the one asked for", () => {
    const lanes = createLanes(3, 10);
    setLanePages(lanes, 0, 4);
    expect([laneFits(lanes, 1, 4, 1), laneFits(lanes, 1, 5, 1), laneFits(lanes, 1, 6), laneFits(lanes, 0, 9, 1)]).toEqual([
      true,
      false,
      true,
      true,
    ]);
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
          expect(workingPages(lanes)).toBe([...lanes.pages].reduce((sum, count) => sum + count, 0));
          expect(workingPages(lanes)).toBeLessThanOrEqual(capacity);
        }
      }),
      { numRuns: 200, seed: 8 },
    );
  });
});
