/** Small random placement problems for layers, and the best placements by trying all. */
import fc from "fast-check";
import { evaluatePlacement } from "../../src/plan/layer-flow/evaluate.ts";
import { type LayerFlowProblem, layersMax, type Placement } from "../../src/plan/layer-flow/problem.ts";

const MACHINES_MAX = 3;
const rate = fc.integer({ min: 0, max: 20 });

const kind = fc.record({
  name: fc.constant("kind"),
  // Mostly falling, as with memory that fills up.
  tokensPerSec: fc.array(rate, { minLength: 1, maxLength: 4 }).map((rates) => rates.map((one, at) => (one * 4) / (at + 1))),
});

/** Up to three machines of up to two kinds, up to four layers, links from none to wider than any machine. */
export const smallLayerFlow: fc.Arbitrary<LayerFlowProblem> = fc
  .record({
    layers: fc.integer({ min: 1, max: 4 }),
    kinds: fc.array(kind, { minLength: 1, maxLength: 2 }),
    drawn: fc.array(fc.nat(1), { minLength: 1, maxLength: MACHINES_MAX }),
    rates: fc.array(fc.oneof(fc.constant(1000), fc.integer({ min: 0, max: 25 })), { minLength: 15, maxLength: 15 }),
    overlap: fc.boolean(),
  })
  .map(({ layers, kinds, drawn, rates, overlap }) => {
    const count = drawn.length;
    return {
      layers,
      kinds,
      machines: drawn.map((at) => at % kinds.length),
      links: Float64Array.from(rates.slice(0, count * count)),
      sourceLinks: Float64Array.from(rates.slice(9, 9 + count)),
      sinkLinks: Float64Array.from(rates.slice(12, 12 + count)),
      overlap,
    };
  });

/** Every placement, machines left out included. */
export function* placements(problem: LayerFlowProblem): Iterable<Placement> {
  const ranges = problem.machines.map((_kind, machine) => {
    const all: (readonly [number, number])[] = [[0, 0]];
    for (let count = 1; count <= layersMax(problem, machine); count++) {
      for (let start = 0; start + count <= problem.layers; start++) all.push([start, count]);
    }
    return all;
  });
  const total = ranges.reduce((product, { length }) => product * length, 1);
  for (let code = 0; code < total; code++) {
    let rest = code;
    const chosen = ranges.map((all) => {
      const range = all[rest % all.length]!;
      rest = Math.floor(rest / all.length);
      return range;
    });
    yield { start: Int32Array.from(chosen, ([start]) => start), count: Int32Array.from(chosen, ([, count]) => count) };
  }
}

/** The largest flow over all placements. */
export function bestFlow(problem: LayerFlowProblem): number {
  let best = 0;
  for (const placement of placements(problem)) best = Math.max(best, evaluatePlacement(problem, placement).flow);
  return best;
}
