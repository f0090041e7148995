// Goal: every sampling option does what its definition says. Method: rows small enough to compute by hand, and frequencies of many draws.
import { describe, expect, it } from "vitest";
import { counterFloat, seededPrng } from "../../base/prng.ts";
import { argmax, largest } from "./ranking.ts";
import { sample } from "./sample.ts";
import { GREEDY, type Sampling } from "./sampling.ts";

const NOTHING = { tokens: [] as number[], promptTokens: 0 };

function choose(logits: readonly number[], options: Partial<Sampling>, index = 0, history = NOTHING): number {
  return sample(Float32Array.from(logits), { ...GREEDY, ...options }, { index, history }).token;
}

/** Shares of each token over many indices. */
function shares(logits: readonly number[], options: Partial<Sampling>, draws = 4000): number[] {
  const counts = logits.map(() => 0);
  for (let index = 0; index < draws; index++) counts[choose(logits, { temperature: 1, seed: 5, ...options }, index)]! += 1;
  return counts.map((count) => count / draws);
}

describe("ranking", () => {
  it("finds the largest, ties by id, as a full sort does", () => {
    const prng = seededPrng(3);
    for (let round = 0; round < 50; round++) {
      const values = Float32Array.from({ length: 1 + prng.nextBelow(200) }, () => prng.nextBelow(40));
      const sorted = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b);
      const k = prng.nextBelow(values.length + 2);
      expect([...largest(values, k)]).toEqual(sorted.slice(0, k));
      expect(argmax(values)).toBe(sorted[0]);
    }
  });
});

describe("greedy", () => {
  it("takes the likeliest, the lower id of two", () => {
    expect(choose([1, 5, 5, 2], {})).toBe(1);
  });

  it("follows bias", () => {
    expect(choose([1, 5, 4.5], { logitBias: [[2, 1]] })).toBe(2);
    expect(choose([1, 5, 4.5], { logitBias: [[99, 100]] })).toBe(1);
    expect(choose([1, 5, 4.5], { logitBias: [[1, -100]] })).toBe(2);
  });
});

describe("penalties", () => {
  it("repetition divides positive and multiplies negative logits, of prompt and output", () => {
    // 5 / 1.5 = 3.33 < 3.5; and -1 * 1.5 = -1.5 < -1.2.
    expect(choose([5, 3.5], { repetitionPenalty: 1.5 }, 0, { tokens: [0], promptTokens: 1 })).toBe(1);
    expect(choose([-1, -1.2], { repetitionPenalty: 1.5 }, 0, { tokens: [0], promptTokens: 0 })).toBe(1);
    expect(choose([5, 3.2], { repetitionPenalty: 1.5 }, 0, { tokens: [0, 0, 0], promptTokens: 1 })).toBe(0);
  });

  it("presence counts once and only in the output", () => {
    expect(choose([5, 4.5], { presencePenalty: 1 }, 0, { tokens: [0, 0], promptTokens: 2 })).toBe(0);
    expect(choose([5, 4.5], { presencePenalty: 1 }, 0, { tokens: [7, 0], promptTokens: 1 })).toBe(1);
    expect(choose([5, 3.5], { presencePenalty: 1 }, 0, { tokens: [0, 0, 0], promptTokens: 0 })).toBe(0);
  });

  it("frequency counts every occurrence in the output", () => {
    expect(choose([5, 3.5], { frequencyPenalty: 0.5 }, 0, { tokens: [0, 0, 0, 0], promptTokens: 2 })).toBe(0);
    expect(choose([5, 3.5], { frequencyPenalty: 0.5 }, 0, { tokens: [0, 0, 0, 0], promptTokens: 0 })).toBe(1);
  });
});

describe("draws", () => {
  it("depend on seed and index alone", () => {
    const logits = [0, 0.1, 0.2, 0.3];
    for (let index = 0; index < 20; index++) {
      expect(choose(logits, { temperature: 1, seed: 9 }, index)).toBe(choose(logits, { temperature: 1, seed: 9 }, index));
    }
    const other = Array.from({ length: 40 }, (_, index) => choose(logits, { temperature: 1, seed: 10 }, index));
    expect(other).not.toEqual(Array.from({ length: 40 }, (_, index) => choose(logits, { temperature: 1, seed: 9 }, index)));
  });

  it("invert the cumulative weights at the counter's number", () => {
    // Weights 1 and 3: token 0 below a quarter.
    for (let index = 0; index < 50; index++) {
      const uniform = counterFloat(4, index);
      expect(choose([0, Math.log(3)], { temperature: 1, seed: 4 }, index)).toBe(uniform < 0.25 ? 0 : 1);
    }
  });

  it("temperature flattens: weights 1 and 9 at temperature 2 are 1 and 3", () => {
    expect(shares([0, Math.log(9)], { temperature: 2 })[0]).toBeCloseTo(0.25, 1);
    expect(shares([0, Math.log(9)], { temperature: 1 })[0]).toBeCloseTo(0.1, 1);
  });

  const row = [0.5, 0.25, 0.15, 0.1].map((p) => Math.log(p));
  it("top-k keeps the likeliest", () => {
    const [a, b, c, d] = shares(row, { topK: 2 });
    expect([c, d]).toEqual([0, 0]);
    expect(a! / b!).toBeCloseTo(2, 0);
  });

  it("top-p keeps the fewest that reach the sum", () => {
    expect(shares(row, { topP: 0.7 }).map((share) => share > 0)).toEqual([true, true, false, false]);
    expect(shares(row, { topP: 0.76 }).map((share) => share > 0)).toEqual([true, true, true, false]);
    expect(shares(row, { topP: 0.01 })).toEqual([1, 0, 0, 0]);
    // Of the two kept by top-k the first has two thirds.
    expect(shares(row, { topK: 2, topP: 0.6 })).toEqual([1, 0, 0, 0]);
  });

  it("min-p keeps a share of the likeliest", () => {
    expect(shares(row, { minP: 0.4 }).map((share) => share > 0)).toEqual([true, true, false, false]);
    expect(shares(row, { minP: 0.6 })).toEqual([1, 0, 0, 0]);
  });

  it("top-p over a long flat row keeps its share of it", () => {
    const flat = new Array(3000).fill(0) as number[];
    let highest = 0;
    for (let index = 0; index < 300; index++) highest = Math.max(highest, choose(flat, { temperature: 1, topP: 0.5 }, index));
    expect(highest).toBeLessThan(1500);
    expect(highest).toBeGreaterThan(1300);
  });
});

describe("log-probabilities", () => {
  it("are the model's own, whatever bias and temperature", () => {
    const logits = Float32Array.from([0.5, 0.25, 0.25].map((p) => Math.log(p)));
    const { token, logprobs } = sample(logits, { ...GREEDY, topLogprobs: 2, logitBias: [[2, 50]] }, { index: 0, history: NOTHING });
    expect(token).toBe(2);
    expect(logprobs?.logprob).toBeCloseTo(Math.log(0.25), 5);
    expect(logprobs?.top.map((entry) => entry.token)).toEqual([0, 1]);
    expect(logprobs?.top[0]?.logprob).toBeCloseTo(Math.log(0.5), 5);
  });
});
