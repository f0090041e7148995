// Goal: the flow is the largest and keeps every capacity. Method: the least of all cuts of small random networks.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addEdge, clearNetwork, flowNetwork, maxFlow } from "./max-flow.ts";

const NODES = 6;
const edge = fc.record({ from: fc.nat(NODES - 1), to: fc.nat(NODES - 1), capacity: fc.integer({ min: 0, max: 9 }) });
const edges = fc.array(edge, { maxLength: 16 }).map((all) => all.filter(({ from, to }) => from !== to));

describe("maximum flow", () => {
  it("is the least cut, whatever was in the network before", () => {
    const network = flowNetwork(NODES, 16);
    fc.assert(
      fc.property(edges, (all) => {
        clearNetwork(network);
        const numbers = all.map((one) => addEdge(network, one, one.capacity));
        const flow = maxFlow(network, 0, NODES - 1);
        let least = Infinity;
        for (let side = 1; side < 1 << (NODES - 1); side += 2) {
          const cut = all.filter(({ from, to }) => (side >> from) & 1 && !((side >> to) & 1));
          least = Math.min(
            least,
            cut.reduce((sum, { capacity }) => sum + capacity, 0),
          );
        }
        expect(flow).toBe(least);
        const kept = new Float64Array(NODES);
        all.forEach(({ from, to, capacity }, i) => {
          const sent = network.left[numbers[i]! ^ 1]!;
          expect(sent).toBeGreaterThanOrEqual(0);
          expect(sent).toBeLessThanOrEqual(capacity);
          kept[from] = kept[from]! - sent;
          kept[to] = kept[to]! + sent;
        });
        expect([...kept]).toEqual([-flow, 0, 0, 0, 0, flow].map((value) => value + 0));
      }),
      { numRuns: 500, seed: 2 },
    );
  });
});
