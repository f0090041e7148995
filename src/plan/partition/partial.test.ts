// Goal: what a partial assignment promises never exceeds what any completion costs, and is exact once all are placed. Method: random completions.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { smallProblem } from "../../../test/support/small-partition-problems.ts";
import { contract, expanded } from "./contract.ts";
import { evaluate } from "./evaluate.ts";
import { tightOrder } from "./forced.ts";
import { emptyPartial, put, take } from "./partial.ts";
import type { PartitionProblem } from "./problem.ts";

const DEVICES = 3;
const NODES = 7;

/** Many readers of few outputs, on three devices of factor 1. */
const dense: fc.Arbitrary<PartitionProblem> = fc
  .record({
    costs: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: NODES, maxLength: NODES }),
    readers: fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 3, max: NODES - 1 })), { minLength: 6, maxLength: 14 }),
  })
  .map(({ costs, readers }) => ({
    types: [{ name: "accelerator", count: DEVICES, memoryBytes: Infinity, transferFactor: 1 }],
    nodes: costs.map((outputCost, i) => ({ times: [i + 1], bytes: 0, outputCost, backward: false })),
    edges: readers,
  }));

describe("emptyPartial, put and take", () => {
  it.each([
    ["dense", dense],
    ["small", smallProblem],
  ] as const)("promise no more than a completion costs, on %s graphs", (_name, problems) => {
    fc.assert(
      fc.property(problems, fc.array(fc.nat(DEVICES - 1), { minLength: NODES, maxLength: NODES }), (problem, drawn) => {
        const { graph, groupOf } = contract(problem);
        const devices = graph.typeOf.length;
        const deviceOf = Int32Array.from({ length: graph.size }, (_zero, v) => drawn[v]! % devices);
        const { loads, maxLoad } = evaluate(problem, expanded(groupOf, deviceOf));
        if (maxLoad === Infinity) return;
        const total = loads.reduce((sum, load) => sum + load, 0);
        const order = tightOrder(graph);
        const prices = { time: new Float64Array(2).fill(1), bytes: new Float64Array(2) };
        const partial = emptyPartial(graph, prices, { order, limit: Infinity });
        let rest = partial.rest.reduce((sum, price) => sum + price, 0);
        for (const vertex of order) {
          expect(partial.loads.reduce((sum, load) => sum + load, 0) + rest).toBeLessThanOrEqual(total + 1e-9);
          // A detour that is taken back leaves no trace.
          const before = partial.loads.slice();
          const trail = partial.trail.length;
          put(partial, vertex, (deviceOf[vertex]! + 1) % devices);
          take(partial, vertex, trail);
          partial.loads.set(before);
          rest += put(partial, vertex, deviceOf[vertex]!);
        }
        expect(rest).toBeCloseTo(0, 9);
        partial.loads.forEach((load, device) => {
          expect(load).toBeCloseTo(loads[device]!, 9);
        });
      }),
      { numRuns: 300, seed: 12 },
    );
  });

  it("count a net once, however many of its pins are left", () => {
    const node = (outputCost: number): PartitionProblem["nodes"][number] => ({ times: [0], bytes: 0, outputCost, backward: false });
    const problem: PartitionProblem = {
      types: [{ name: "accelerator", count: 2, memoryBytes: Infinity, transferFactor: 1 }],
      // Outputs 0 and 2 lie on one device, output 1 on the other; node 3 reads 0 and 1, node 4 reads 1 and 2.
      nodes: [node(9), node(1), node(9), node(0), node(0)],
      edges: [
        [0, 3],
        [1, 3],
        [1, 4],
        [2, 4],
      ],
    };
    const prices = { time: Float64Array.of(1), bytes: Float64Array.of(0) };
    const partial = emptyPartial(contract(problem).graph, prices, { order: Int32Array.of(0, 1, 2, 3, 4), limit: Infinity });
    let rest = 0;
    [0, 1, 0].forEach((device, vertex) => {
      rest += put(partial, vertex, device);
    });
    // Both readers beside 0 and 2: output 1 is paid by its maker and by them, once each.
    expect(rest).toBe(2);
  });
});
