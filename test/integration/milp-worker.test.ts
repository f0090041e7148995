// Goal: a solve by HiGHS ends when it is told to, with the best so far. Method: a programme it cannot finish, in the built worker, aborted on the way.
import { describe, expect, it } from "vitest";
import { generatedRack } from "../../bench/partition-racks.ts";
import { evaluate } from "../../src/plan/partition/evaluate.ts";
import { assignmentOf, placementMilp } from "../../src/plan/partition/milp.ts";

const { runMilp } = (await import(
  new URL("../../dist/bench/highs/run-milp.js", import.meta.url).href
)) as typeof import("../../bench/highs/run-milp.ts");
/** Reached only where a machine is so slow that it does no more in this time than others in a second. */
const LONGEST_S = 16;
const { problem } = generatedRack({ seed: 6, nodes: 54 });
const { text, scale } = placementMilp(problem);

describe("runMilp", () => {
  it("answers with the incumbent when it is aborted", async () => {
    const stop = new AbortController();
    const answer = runMilp(text, { seconds: 600, gap: 0, signal: stop.signal, onBetter: ({ value }) => value < Infinity && stop.abort() });
    const { status, value, bound, columns } = await answer;
    expect(status).toBe("open");
    const { maxLoad, breaches } = evaluate(
      problem,
      assignmentOf(problem, (name) => columns[name] ?? 0),
    );
    expect(breaches).toEqual([]);
    expect(maxLoad / (value * scale)).toBeCloseTo(1, 6);
    expect(bound).toBeLessThan(value);
  });

  it("knows nothing where it is aborted before it starts", async () => {
    expect(await runMilp(text, { seconds: 600, gap: 0, signal: AbortSignal.abort() })).toMatchObject({ status: "open", value: Infinity });
  });

  it("ends by itself within its time", async () => {
    let bound = 0;
    // On a machine that others use, a second may be too short for any bound.
    for (let seconds = 1; bound <= 0 && seconds <= LONGEST_S; seconds *= 2) {
      const answer = await runMilp(text, { seconds, gap: 0 });
      expect(answer.status).toBe("open");
      ({ bound } = answer);
    }
    expect(bound).toBeGreaterThan(0);
  });

  it("says so where there is no solution", async () => {
    const node = { times: [Infinity], bytes: 0, outputCost: 0, backward: false };
    const types = [{ name: "device", count: 1, memoryBytes: 1, transferFactor: 1 }];
    expect((await runMilp(placementMilp({ types, nodes: [node], edges: [] }).text, { seconds: 9, gap: 0 })).status).toBe("infeasible");
  });
});
