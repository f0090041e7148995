import { type LayerFlowProblem, layersMax, rateOf } from "./problem.ts";

const ROUNDS = 500;

/**
 * A flow that no placement exceeds.
 *
 * Model: every layer must pass F tokens a second. A machine with k layers passes each at most min(rate at k, F), so the sum over machines of the most that
 * k x min(rate, F, what its links bring) can be is at least layers x F. Starting from no limit, F falls until it meets that sum; every step is a bound.
 * Why: counting a machine's whole work (F without limit) is far too high where few layers make a machine fast, because one chain cannot use it.
 */
export function coverBound(problem: LayerFlowProblem): number {
  const machines = problem.machines.length;
  const brought = Array.from({ length: machines }, (_zero, i) => {
    let into = problem.sourceLinks[i]!;
    let out = problem.sinkLinks[i]!;
    for (let j = 0; j < machines; j++) {
      if (j === i) continue;
      into += problem.links[j * machines + i]!;
      out += problem.links[i * machines + j]!;
    }
    return Math.min(into, out);
  });
  let bound = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    let work = 0;
    for (let i = 0; i < machines; i++) {
      let most = 0;
      for (let k = 1; k <= layersMax(problem, i); k++) most = Math.max(most, k * Math.min(rateOf(problem, i, k), brought[i]!, bound));
      work += most;
    }
    if (work / problem.layers >= bound) break;
    bound = work / problem.layers;
  }
  return bound;
}

/** All machines' work at their best number of layers, spread over the layers: the bound that published work reports. */
export function workBound(problem: LayerFlowProblem): number {
  const work = problem.machines.map((kind) =>
    problem.kinds[kind]!.tokensPerSec.reduce((most, rate, at) => Math.max(most, (at + 1) * rate), 0),
  );
  return work.reduce((sum, best) => sum + best, 0) / problem.layers;
}
