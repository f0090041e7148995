// Goal: generated workloads have the statistics they name, are alike everywhere, and refuse what they do not know. Method: moments of long draws,
// equality with the row form, and sharing counted by hand.
import { describe, expect, it } from "vitest";
import type { HeddleError } from "../../../base/heddle-error.ts";
import type { RequestColumns } from "../../serving/serving-input.ts";
import { requestColumns } from "../columns/request-columns.ts";
import { generateWorkload } from "../read-workload.ts";
import { generateColumns } from "./generate-columns.ts";
import { GENERATED_FORMS } from "./generated-forms.ts";

function gaps({ arrivalNs, count }: RequestColumns): { mean: number; variation: number } {
  const all = Array.from({ length: count - 1 }, (_, i) => (arrivalNs[i + 1]! - arrivalNs[i]!) / 1e9);
  const mean = all.reduce((sum, gap) => sum + gap, 0) / all.length;
  const square = all.reduce((sum, gap) => sum + (gap - mean) * (gap - mean), 0) / all.length;
  return { mean, variation: Math.sqrt(square) / mean };
}

const sharedTokens = (columns: RequestColumns, a: number, b: number): number => {
  const ids = (row: number) => columns.blockIds.subarray(columns.blockStart[row], columns.blockStart[row + 1]);
  let blocks = 0;
  while (blocks < Math.min(ids(a).length, ids(b).length) && ids(a)[blocks] === ids(b)[blocks]) blocks++;
  return blocks * columns.blockTokens;
};

function fault(text: string): string {
  try {
    generateColumns(text);
  } catch (thrown) {
    return `${(thrown as HeddleError).code} ${(thrown as HeddleError).message}`;
  }
  return "none";
}

describe("generated columns", () => {
  it.each(Object.entries(GENERATED_FORMS))("%s: the form that the help shows is read", (_kind, form) => {
    const text = form.replaceAll(/[[\]]/g, "").replace(/seconds=\d+/, "seconds=120");
    const columns = generateColumns(text);
    expect(columns.count).toBeGreaterThan(10);
    expect(JSON.stringify(generateColumns(text)) === JSON.stringify(columns)).toBe(true);
  });

  it("equals the row form of the same text", () => {
    const text = "poisson:rate=2,prompt=50-600,output=20-120,seconds=60,seed=7,prefix=4x256";
    expect(JSON.stringify(generateColumns(text))).toBe(JSON.stringify(requestColumns(generateWorkload(text))));
  });

  it.each([
    ["poisson:rate=50", 1 / 50, 1],
    ["gamma:rate=50,cv=3", 1 / 50, 3],
    ["gamma:rate=50,cv=0.5", 1 / 50, 0.5],
  ])("%s: gaps of that mean and variation", (start, mean, variation) => {
    const found = gaps(generateColumns(`${start},prompt=10,output=10,seconds=1000`));
    expect(found.mean / mean).toBeCloseTo(1, 1);
    expect(found.variation / variation).toBeCloseTo(1, 1);
  });

  it("varies the rate by day and in bursts", () => {
    const share = (text: string, within: (second: number) => boolean): number => {
      const { arrivalNs, count } = generateColumns(`${text},prompt=1,output=1,seconds=1000`);
      return arrivalNs.filter((atNs) => within(atNs / 1e9)).length / count;
    };
    // A triangle from 0 over 2 to 0: the middle half has 3/4 of it.
    expect(share("diurnal:rate=50,peak=2,period=100", (second) => second % 100 > 25 && second % 100 < 75)).toBeCloseTo(0.75, 1);
    // 10 seconds of each 100 at tenfold rate: 100 of 190 arrivals.
    expect(share("bursts:rate=20,peak=10,every=100,lasting=10", (second) => second % 100 < 10)).toBeCloseTo(100 / 190, 1);
  });

  it("draws lognormal lengths of the mean and variation it names", () => {
    const { promptTokens, count } = generateColumns("poisson:rate=50,prompt=lognormal:1000:0.8,output=1,seconds=1000");
    const mean = promptTokens.reduce((sum, tokens) => sum + tokens, 0) / count;
    const square = promptTokens.reduce((sum, tokens) => sum + (tokens - mean) * (tokens - mean), 0) / count;
    expect(mean / 1000).toBeCloseTo(1, 1);
    expect(Math.sqrt(square) / mean / 0.8).toBeCloseTo(1, 1);
  });

  it("draws pairs of lengths from rows of a file", () => {
    const lengths = generateColumns("poisson:rate=5,prompt=10-20,output=30-40,seconds=10");
    const { promptTokens, outputTokens, count } = generateColumns("gamma:rate=50,cv=2,seconds=10", { lengths });
    const pairs = new Set(Array.from(lengths.promptTokens, (prompt, i) => `${prompt} ${lengths.outputTokens[i]}`));
    for (let i = 0; i < count; i++) expect(pairs.has(`${promptTokens[i]} ${outputTokens[i]}`)).toBe(true);
  });

  it("lets closed clients wait for their own answers", () => {
    const { after, thinkNs, count } = generateColumns("closed:clients=3,requests=8,prompt=5,output=5,think=2");
    expect(count).toBe(8);
    expect([...after!]).toEqual([-1, -1, -1, 0, 1, 2, 3, 4]);
    expect([...thinkNs!.subarray(3)]).toEqual([2e9, 2e9, 2e9, 2e9, 2e9]);
  });

  it("grows the context of a conversation and shares it with the next turn, and only that", () => {
    const columns = generateColumns("agents:rate=0.1,turns=4,tool=3,prompt=100,output=100,seconds=100,system=1x640");
    const { promptTokens, after } = columns;
    expect([...promptTokens.subarray(0, 4)]).toEqual([740, 940, 1140, 1340]);
    expect([...after!.subarray(0, 5)]).toEqual([-1, 0, 1, 2, -1]);
    // 740 tokens are 11 whole blocks of 64; another conversation has only the system text in common.
    expect(sharedTokens(columns, 0, 1)).toBe(704);
    expect(sharedTokens(columns, 0, 4)).toBe(640);
  });

  it.each([
    ["gamma:rate=2,prompt=1,output=1,seconds=9", "cv"],
    ["poisson:rate=2,prompt=1,output=1,seconds=9,cv=2", "cv"],
    ["poisson:rate=2,prompt=9-3,output=1,seconds=9", "prompt"],
    ["poisson:rate=2,prompt=lognormal:0:1,output=1,seconds=9", "prompt"],
    ["poisson:rate=1e9,prompt=1,output=1,seconds=9", "rate"],
    ["poisson:rate=9999999,prompt=1,output=1,seconds=999", "rate"],
    ["diurnal:rate=2,peak=3,period=9,prompt=1,output=1,seconds=9", "peak"],
    ["bursts:rate=2,peak=3,every=9,lasting=10,prompt=1,output=1,seconds=9", "lasting"],
    ["sessions:rate=2,turns=2,prompt=1,output=1,seconds=9", "think"],
    ["weekly:rate=2", "starts with"],
    ["poisson:rate=0.001,prompt=1,output=1,seconds=0.001", "seconds"],
  ])("refuses %s", (text, named) => {
    expect(fault(text)).toContain("workload-invalid");
    expect(fault(text)).toContain(named);
  });
});
