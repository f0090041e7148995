// Goal: a what-if changes the requests it says and nothing else: factors, and which requests have adapters. Method: columns against those that the generator and
// the draw give by themselves; every wrong change is refused by its path.
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../base/heddle-error.ts";
import { parseChange } from "../../plan/deployment/change.ts";
import { drawAdapters, parseAdapters } from "../../simulate/workload/generate/adapter-draw.ts";
import { generateColumns } from "../../simulate/workload/generate/generate-columns.ts";
import { changeRequests } from "./change-requests.ts";

const PLAIN = generateColumns("poisson:rate=20,prompt=50-600,output=20-120,seconds=10,seed=3");
const FEW = drawAdapters(PLAIN, parseAdapters("count=3,ranks=8"));
const LAW = "count=50,popularity=zipf:1.1,ranks=8:64,plain=0.2";
const changed = (before: typeof PLAIN, ...changes: string[]) => changeRequests(before, changes.map(parseChange));

describe("a changed workload", () => {
  it("has adapters drawn as of a workload that says so, whatever it had, and arrivals and lengths as they were", () => {
    const asked = drawAdapters(PLAIN, parseAdapters(LAW));
    for (const before of [PLAIN, FEW]) {
      const { requests, notes } = changed(before, `workload.adapters=${LAW}`);
      expect(requests.adapter).toEqual(asked.adapter);
      expect(requests.adapterRanks).toEqual(asked.adapterRanks);
      expect(requests.arrivalNs).toEqual(PLAIN.arrivalNs);
      expect(requests.promptTokens).toEqual(PLAIN.promptTokens);
      expect(notes.length).toBe(before === FEW ? 1 : 0);
    }
    expect(new Set(asked.adapter).size).toBeGreaterThan(10);
  });

  it("has none with null, and keeps its own where only factors change", () => {
    const none = changed(FEW, "workload.adapters=null");
    expect([none.requests.adapter, none.requests.adapterRanks, none.notes.length]).toEqual([undefined, undefined, 1]);
    const { requests } = changed(FEW, "workload.rate=2", "workload.length=3", "workload.output=2");
    expect(requests.adapter).toEqual(FEW.adapter);
    expect(requests.arrivalNs[100]!).toBeCloseTo(PLAIN.arrivalNs[100]! / 2, -1);
    expect(requests.promptTokens[100]).toBe(3 * PLAIN.promptTokens[100]!);
    expect(requests.outputTokens[100]).toBe(6 * PLAIN.outputTokens[100]!);
  });

  it("has images drawn for the same requests, and none again", () => {
    const { requests } = changed(PLAIN, "workload.images=count=1-3,sizes=640x640:64x64,distinct=5");
    const { images } = requests;
    expect(requests.promptTokens).toEqual(PLAIN.promptTokens);
    expect(new Set(images!.content).size).toBe(5);
    for (let i = 0; i < requests.count; i++) expect([1, 2, 3]).toContain(images!.start[i + 1]! - images!.start[i]!);
    expect(new Set([...images!.width].map((width, k) => `${width}x${images!.height[k]}`))).toEqual(new Set(["640x640", "64x64"]));
    expect(changed(requests, "workload.images=null").requests.images).toBeUndefined();
  });

  it.each([
    [["workload.adapters=ranks=8"], "workload-invalid", /count/],
    [["workload.adapters=count=5", "workload.adapters=count=6"], "usage", /changed once/],
    [["workload.rate=0"], "usage", /workload.rate.*factors above 0; workload.adapters is a law/],
    [["workload.pictures=2"], "usage", /workload.pictures/],
    [["workload.images=2"], "workload-invalid", /count/],
  ] as const)("is refused: %j", (changes, code, words) => {
    const attempt = (): unknown => changed(PLAIN, ...changes);
    expect(attempt).toThrow(words);
    expect(attempt).toThrow(HeddleError);
    expect(attempt).toThrow(expect.objectContaining({ code }));
  });
});
