// Goal: value and bound enclose the best pipeline and every rule is kept. Method: all plans of small random graphs.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestPipeline, smallPipeline } from "../../../test/support/small-pipeline-problems.ts";
import { seededPrng } from "../../base/prng.ts";
import { simpleBound } from "./bounds.ts";
import { evaluatePipeline } from "./evaluate.ts";
import { planPipeline } from "./plan-pipeline.ts";
import type { NodeChoice, PipelineProblem } from "./problem.ts";

const CLOSE = 1e-7;

describe("a planned pipeline", () => {
  it("is the best of all plans, and proven to be", () => {
    fc.assert(
      fc.property(smallPipeline, (problem) => {
        const truth = bestPipeline(problem);
        const found = planPipeline(problem);
        expect(found.ok).toBe(truth < Infinity);
        if (!found.ok) {
          expect(found.error.proven).toBe(true);
          return;
        }
        const { stages, value, bound, gap, method } = found.value;
        expect(evaluatePipeline(problem, stages).breaches).toEqual([]);
        expect(value).toBeCloseTo(truth, 6);
        expect(bound.value).toBeLessThanOrEqual(truth + CLOSE);
        expect(gap).toBe(0);
        expect(method).toBe("ideals");
      }),
      { numRuns: 150, seed: 2 },
    );
  });

  it("over linear orders alone keeps the rules and claims no more than it proves", () => {
    fc.assert(
      fc.property(smallPipeline, (problem) => {
        const truth = bestPipeline(problem);
        const found = planPipeline(problem, { idealsMax: 1 });
        if (!found.ok) {
          if (found.error.proven) expect(truth).toBe(Infinity);
          return;
        }
        expect(found.value.method).toBe("orders");
        expect(found.value.value).toBeGreaterThanOrEqual(truth - CLOSE);
        expect(found.value.bound.value).toBeLessThanOrEqual(truth + CLOSE);
      }),
      { numRuns: 60, seed: 3 },
    );
  });

  it("has a bound before any search", () => {
    fc.assert(
      fc.property(smallPipeline, (problem) => {
        expect(simpleBound(problem).value).toBeLessThanOrEqual(bestPipeline(problem) + CLOSE);
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  it("is the best so far, with a bound that holds, where it is stopped at once", () => {
    const full = planPipeline(chain(12));
    const stopped = planPipeline(chain(12), { shouldStop: () => true });
    if (!full.ok || !stopped.ok) throw expect.unreachable();
    expect(evaluatePipeline(chain(12), stopped.value.stages).breaches).toEqual([]);
    expect(stopped.value.value).toBeGreaterThan(full.value.value);
    expect(stopped.value.bound.value).toBeLessThanOrEqual(full.value.value);
    expect(stopped.value.gap).toBeGreaterThan(0);
    expect(stopped.value.moves).toBeLessThan(full.value.moves);
  });

  it("recomputes activations only where memory asks for it", () => {
    const roomy = planPipeline({ ...chain(4), memoryBytes: 1000 });
    const tight = planPipeline({ ...chain(4), memoryBytes: 14 });
    if (!roomy.ok || !tight.ok) throw expect.unreachable();
    expect(roomy.value.stages.flatMap(({ choices }) => choices)).not.toContain(1);
    expect(tight.value.stages.flatMap(({ choices }) => choices)).toContain(1);
    expect(tight.value.value).toBeGreaterThan(roomy.value.value);
  });

  it("claims no proof where choices were not searched to the end", () => {
    const prng = seededPrng(1);
    const base = chain(40);
    // Every node saves as much as it costs: hardly a set of choices is worse than another.
    const nodes = base.nodes.map(({ name }) => {
      const size = prng.nextBelow(1_000_000);
      const [way] = base.nodes[0]!.choices.get(1)!;
      const plain = { ...way!, time: 1, fixedBytes: size, bytesPerMicrobatch: 0 };
      return { name, choices: new Map([[1, [plain, { ...plain, time: 1 + size, fixedBytes: 0 }]]]) };
    });
    const memoryBytes = nodes.reduce((sum, { choices }) => sum + choices.get(1)![0]!.fixedBytes, 0) / 2;
    const found = planPipeline({ ...base, devices: 1, memoryBytes, nodes });
    if (!found.ok) throw expect.unreachable();
    expect(found.value.bound.method).not.toBe("exhaustive");
    expect(found.value.gap).toBeGreaterThan(0);
  });

  it("is the same from the same seed", () => {
    expect(planPipeline(chain(9), { idealsMax: 1, seed: 5 })).toEqual(planPipeline(chain(9), { idealsMax: 1, seed: 5 }));
  });
});

/** Equal layers in a row on four devices. */
function chain(length: number): PipelineProblem {
  const plain: NodeChoice = {
    name: "plain",
    time: 3,
    parameterBytes: 8,
    bytesPerMicrobatch: 4,
    fixedBytes: 1,
    inputSyncBytes: new Map(),
    outputSyncBytes: new Map(),
  };
  const recomputed = { ...plain, name: "recomputed", time: 4, bytesPerMicrobatch: 1 };
  return {
    devices: 4,
    memoryBytes: 5 * length,
    bytesPerTime: 10,
    microbatches: 8,
    nodes: Array.from({ length }, () => ({ name: "layer", choices: new Map([[1, [plain, recomputed]]]) })),
    edges: Array.from({ length: length - 1 }, (_zero, i) => ({ source: i, target: i + 1, bytes: 2 })),
  };
}
