// Goal: the split is the best one that fits. Method: brute force over every split on small inputs drawn from a seed.
import { describe, expect, it } from "vitest";
import { seededPrng } from "../base/prng.ts";
import { type SplitQuestion, splitLayers } from "./layer-split.ts";

function every(layers: number, stages: number): number[][] {
  if (stages === 1) return [[layers]];
  const splits: number[][] = [];
  for (let first = 1; first <= layers - stages + 1; first++) {
    for (const rest of every(layers - first, stages - 1)) splits.push([first, ...rest]);
  }
  return splits;
}

function total(question: SplitQuestion, counts: readonly number[]): number {
  return counts.reduce((sum, count, stage) => sum + question.costOf(stage, count, stage === counts.length - 1), 0);
}

function fits(question: SplitQuestion, counts: readonly number[]): boolean {
  const used = new Map<string, number>();
  counts.forEach((count, stage) => {
    const memory = question.memories[stage]!;
    used.set(memory, (used.get(memory) ?? 0) + question.bytesOf(stage, count, stage === counts.length - 1));
  });
  return [...used].every(([memory, bytes]) => bytes <= question.freeBytes.get(memory)!);
}

function randomQuestion(seed: number): SplitQuestion {
  const prng = seededPrng(seed);
  const stages = 1 + prng.nextBelow(4);
  const rates = Array.from({ length: stages }, () => 100 + prng.nextBelow(900));
  const fixed = Array.from({ length: stages }, () => prng.nextBelow(500));
  const head = 300 + prng.nextBelow(2000);
  const memories = Array.from({ length: stages }, () => (prng.nextBelow(2) === 0 ? "a" : "b"));
  return {
    layers: 3 + prng.nextBelow(6),
    memories,
    costOf: (stage, count, last) => fixed[stage]! + rates[stage]! * count + (last ? head : 0),
    bytesOf: (_stage, count, last) => 10 * count + (last ? 7 : 0),
    freeBytes: new Map([
      ["a", 20 + prng.nextBelow(70)],
      ["b", 20 + prng.nextBelow(70)],
    ]),
  };
}

describe("layer split", () => {
  it("equals brute force on 400 random questions", () => {
    let feasible = 0;
    for (let seed = 0; seed < 400; seed++) {
      const question = randomQuestion(seed);
      const allowed = every(question.layers, question.memories.length).filter((counts) => fits(question, counts));
      const found = splitLayers(question);
      if (allowed.length === 0) {
        expect(found, `seed ${seed}`).toBeUndefined();
        continue;
      }
      feasible += 1;
      const best = Math.min(...allowed.map((counts) => total(question, counts)));
      expect(fits(question, found!), `seed ${seed}`).toBe(true);
      // The preference for even stages may cost up to a thousandth of each stage.
      expect(total(question, found!), `seed ${seed}`).toBeLessThanOrEqual(best * 1.004);
    }
    expect(feasible).toBeGreaterThan(100);
    expect(feasible).toBeLessThan(400);
  });

  it("splits evenly where every split costs the same", () => {
    const question: SplitQuestion = {
      layers: 12,
      memories: ["a", "a", "a"],
      costOf: (_stage, count) => count * 1e6,
      bytesOf: (_stage, count) => count,
      freeBytes: new Map([["a", 100]]),
    };
    expect(splitLayers(question)).toEqual([4, 4, 4]);
  });
});
