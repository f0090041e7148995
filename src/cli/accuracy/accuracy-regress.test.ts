// Goal: what an accuracy table loses is told, and noise is not. Method: one change of a stored row a case.
import { describe, expect, it } from "vitest";
import type { AccuracyRow } from "../../cost/accuracy/accuracy-row.ts";
import type { AccuracyDocument } from "./accuracy-document.ts";
import { accuracyRegressions } from "./accuracy-regress.ts";

const ROW: AccuracyRow = {
  dataSet: "d",
  protocol: "p",
  family: "ttft",
  device: "x",
  engine: "e",
  points: 10,
  excluded: {},
  meanError: 0.1,
  medianError: 0.1,
  p90: 0.2,
  signedMean: 0,
};
const documentOf = (...rows: readonly AccuracyRow[]): AccuracyDocument => ({
  version: 1,
  heddle: "0",
  parts: [{ id: "part", title: "t", beside: [], rows }],
});

describe("regressions of accuracy", () => {
  it.each([
    ["a larger median", { medianError: 0.12 }, "median error 12.0 %, was 10.0 %"],
    ["a larger p90", { p90: 0.24 }, "p90 24.0 %, was 20.0 %"],
    ["fewer points", { points: 9 }, "9 points predicted, were 10"],
    ["another kind of prediction", { family: "tpot" }, "is gone"],
  ])("tell of %s", (_what, change, told) => {
    expect(accuracyRegressions(documentOf(ROW), documentOf({ ...ROW, ...change })).join()).toContain(told);
  });

  it.each([{}, { medianError: 0.105 }, { p90: 0.22 }, { points: 11 }, { medianError: 0.01, p90: 0.02 }])("say nothing of %j", (change) => {
    expect(accuracyRegressions(documentOf(ROW), documentOf({ ...ROW, ...change }))).toEqual([]);
  });

  it("compare parts that were computed, and claims by their names", () => {
    expect(accuracyRegressions(documentOf(ROW), { version: 1, heddle: "0", parts: [] })).toEqual([]);
    const claim = { ...ROW, dataSet: "published-claims", family: "c: 5 s, computed 4" };
    expect(accuracyRegressions(documentOf(claim), documentOf({ ...claim, family: "c: 5 s, computed 6" }))).toEqual([]);
  });
});
