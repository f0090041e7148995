// Goal: the flow through a placement is the largest there is. Method: cases computed by hand, and cuts that prove the value.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { placements, smallLayerFlow } from "../../../test/support/small-layer-flows.ts";
import { evaluatePlacement } from "./evaluate.ts";
import { flowOf, flowScorer } from "./placement-flow.ts";
import type { LayerFlowProblem, Placement } from "./problem.ts";

const WIDE = 1000;

/** Two fast machines and two slow ones, four layers. */
const cluster: LayerFlowProblem = {
  layers: 4,
  kinds: [
    { name: "fast", tokensPerSec: [100, 50, 30] },
    { name: "slow", tokensPerSec: [40, 20] },
  ],
  machines: [0, 0, 1, 1],
  links: new Float64Array(16).fill(WIDE),
  sourceLinks: new Float64Array(4).fill(WIDE),
  sinkLinks: new Float64Array(4).fill(WIDE),
  overlap: false,
};

const ranges = (...pairs: readonly (readonly [number, number])[]): Placement => ({
  start: Int32Array.from(pairs, ([start]) => start),
  count: Int32Array.from(pairs, ([, count]) => count),
});

/** Layers 0 and 1 on a fast one; 2 and 3 on the other and on a slow one; the last slow one repeats layers 0 and 1. */
const doubled = ranges([0, 2], [2, 2], [2, 2], [0, 2]);

describe("a placement's score", () => {
  it("adds what machines of one range pass", () => {
    expect(evaluatePlacement(cluster, doubled).flow).toBe(70);
    expect(evaluatePlacement(cluster, ranges([0, 2], [2, 2], [2, 2], [0, 0])).flow).toBe(50);
  });

  it("stops at narrow links, both inside and at the ends", () => {
    const links = cluster.links.slice();
    links[0 * 4 + 1] = 7;
    // 7 + 20 over the other machine leave the first; the fourth adds its 20.
    expect(evaluatePlacement({ ...cluster, links }, doubled).flow).toBe(47);
    expect(evaluatePlacement({ ...cluster, sourceLinks: Float64Array.of(11, 0, 0, 4) }, doubled).flow).toBe(15);
    expect(evaluatePlacement({ ...cluster, sinkLinks: Float64Array.of(0, 13, 4, 0) }, doubled).flow).toBe(17);
  });

  it("lets a range start inside another only with overlap", () => {
    const lapped = ranges([0, 3], [2, 2], [0, 0], [0, 0]);
    expect(evaluatePlacement(cluster, lapped).flow).toBe(0);
    expect(evaluatePlacement({ ...cluster, overlap: true }, lapped).flow).toBe(30);
    // A range that ends no later has nothing to add.
    expect(evaluatePlacement({ ...cluster, overlap: true }, ranges([0, 3], [1, 2], [3, 1], [0, 0])).flow).toBe(30);
  });

  it("shows the routes and the cut", () => {
    const { routes, cut } = evaluatePlacement(cluster, doubled);
    expect(cut).toEqual({ value: 70, before: [], through: [0, 3] });
    expect(routes.filter(({ from }) => from === -1).reduce((sum, { flow }) => sum + flow, 0)).toBe(70);
  });

  it.each([
    ["layers-held", ranges([0, 2], [2, 2], [0, 3], [0, 0])],
    ["range", ranges([0, 2], [3, 2], [0, 0], [0, 0])],
    ["range", ranges([-1, 2], [2, 2], [0, 0], [0, 0])],
  ] as const)("names what breaks the rule on %s", (code, placement) => {
    expect(evaluatePlacement(cluster, placement).breaches.map((breach) => breach.code)).toEqual([code]);
  });

  it("is the value of a cut, and that of the search's own network", () => {
    fc.assert(
      fc.property(smallLayerFlow, fc.nat(), (problem, at) => {
        const all = [...placements(problem)];
        const placement = all[at % all.length]!;
        const { flow, cut, breaches } = evaluatePlacement(problem, placement);
        expect(breaches).toEqual([]);
        expect(cut.value).toBeCloseTo(flow, 9);
        expect(flowOf(flowScorer(problem), placement)).toBeCloseTo(flow, 9);
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});
