// Goal: what is written can be drawn and says what the timeline says. Method: random timelines read back by a reader of its own that knows only the
// format; the reader is shown to see each planted fault.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readChromeTrace } from "../../test/support/read-chrome-trace.ts";
import type { Slice, Timeline } from "./timeline.ts";
import { writeChromeTrace } from "./write-chrome-trace.ts";

const TRACKS: Timeline["tracks"] = [
  { id: "cpu", kind: "device", name: "cpu" },
  { id: "npu", kind: "device", name: "npu" },
  { id: "cpu>npu", kind: "link", name: "cpu to npu" },
];
const slice = (track: string, startNs: number, endNs: number, name = "s"): Slice => ({
  track,
  kind: "run",
  name,
  startNs,
  endNs,
  args: { task: 1 },
});
const TIMELINE: Timeline = {
  name: "made",
  tracks: TRACKS,
  slices: [slice("npu", 3_000, 5_001, "b"), slice("cpu", 0, 1_501, "a"), { ...slice("cpu>npu", 1_501, 2_999, "x"), kind: "transfer" }],
  flows: [
    { name: "x", from: 1, to: 2 },
    { name: "x", from: 2, to: 0 },
  ],
};

describe("Chrome trace", () => {
  it("says what ran where and when, to the nanosecond, with arrows", () => {
    const { slices, flows, flaws } = readChromeTrace(writeChromeTrace(TIMELINE));
    expect(flaws).toEqual([]);
    expect(flows).toBe(2);
    expect(slices.map(({ process, thread, name, kind, startNs, endNs }) => [process, thread, name, kind, startNs, endNs])).toEqual([
      ["devices", "cpu", "a", "run", 0, 1_501],
      ["devices", "npu", "b", "run", 3_000, 5_001],
      ["links", "cpu to npu", "x", "transfer", 1_501, 2_999],
    ]);
    expect(slices[0]?.args).toEqual({ task: 1 });
  });

  it("draws any slices: nested or apart in every lane, in the order of time", () => {
    const any = fc.record({
      track: fc.constantFrom("cpu", "npu", "cpu>npu"),
      startNs: fc.integer({ min: 0, max: 300 }),
      lengthNs: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 40 }), (drawn) => {
        const slices = drawn.map(({ track, startNs, lengthNs }, i) => slice(track, startNs, startNs + lengthNs, String(i)));
        const flows = slices
          .flatMap((from, i) => slices.flatMap((to, j) => (from.endNs <= to.startNs && i !== j ? [{ name: "f", from: i, to: j }] : [])))
          .slice(0, 20);
        const read = readChromeTrace(writeChromeTrace({ name: "any", tracks: TRACKS, slices, flows }));
        expect(read.flaws).toEqual([]);
        const found = read.slices.map(({ name, startNs, endNs }) => [Number(name), startNs, endNs]).sort((a, b) => a[0]! - b[0]!);
        expect(found).toEqual(slices.map(({ startNs, endNs }, i) => [i, startNs, endNs]));
      }),
      { numRuns: 200, seed: 11 },
    );
  });

  it("refuses a slice that ends before it begins, and one on no track", () => {
    expect(() => writeChromeTrace({ ...TIMELINE, slices: [slice("cpu", 5, 4)], flows: [] })).toThrow("ends after it begins");
    expect(() => writeChromeTrace({ ...TIMELINE, slices: [slice("gpu", 4, 5)], flows: [] })).toThrow("on a track");
  });

  const faults: [string, (text: string) => string, string][] = [
    ["an overlap", (text) => text.replace('"ts":3,', '"ts":0,').replace(/"tid":10001/g, '"tid":1'), "overlaps"],
    ["time going back", (text) => text.replace('"ts":0,"dur":1.501', '"ts":9,"dur":1').replace(/"tid":10001/g, '"tid":1'), "goes back"],
    ["an arrow without an end", (text) => text.replace('"ph":"f"', '"ph":"t"'), "has 0 ends"],
    ["an arrow from nowhere", (text) => text.replace('"ts":1.5,', '"ts":7,'), "touches no slice"],
    [
      "a track without a name",
      (text) => text.replace('"name":"thread_name","pid":1,"tid":1,', '"name":"thread_name","pid":1,"tid":7,'),
      "thread_name",
    ],
  ];
  it.each(faults)("has a reader that sees %s", (_name, plant, flaw) => {
    const text = writeChromeTrace(TIMELINE);
    expect(plant(text)).not.toBe(text);
    expect(readChromeTrace(plant(text)).flaws.join()).toContain(flaw);
  });
});
