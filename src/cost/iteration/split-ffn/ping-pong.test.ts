// Goal: the time of a ring of micro-batches is what it takes event by event. Method: seeded laps, each part a server that takes micro-batches in turn; the published form
// where its conditions hold; a formula without the ends or without waits is shown to fail.
import { describe, expect, it } from "vitest";
import { seededPrng } from "../../../base/prng.ts";
import { type LapParts, lapOf, pingPongNs } from "./ping-pong.ts";

/** Every micro-batch takes the parts in turn, layer after layer; a part serves whoever came first. */
function byEvents(parts: LapParts, microBatches: number, layers: number): number {
  const times = [parts.attentionNs, parts.dispatchNs, parts.ffnNs, parts.combineNs];
  const free = times.map(() => 0);
  const ready = new Array<number>(microBatches).fill(0);
  for (let layer = 0; layer < layers; layer++) {
    for (const [part, time] of times.entries()) {
      for (let batch = 0; batch < microBatches; batch++) {
        const end = Math.max(free[part]!, ready[batch]!) + time;
        free[part] = end;
        ready[batch] = end;
      }
    }
  }
  return Math.max(...ready);
}

const CASES = Array.from({ length: 300 }, (_, seed) => {
  const prng = seededPrng(seed);
  const time = (): number => prng.nextBelow(100);
  const parts = { attentionNs: 1 + time(), dispatchNs: time(), ffnNs: 1 + time(), combineNs: time() };
  return { parts, microBatches: 1 + prng.nextBelow(6), layers: 1 + prng.nextBelow(12) };
});

describe("micro-batches that go round", () => {
  it("take what they take event by event", () => {
    for (const { parts, microBatches, layers } of CASES)
      expect(pingPongNs(parts, microBatches, layers)).toBe(byEvents(parts, microBatches, layers));
  });

  it("take the published time where the published conditions hold, and those are the conditions told", () => {
    let hidden = 0;
    for (const { parts, microBatches, layers } of CASES) {
      const lap = lapOf(parts, microBatches);
      if (!lap.hidden) continue;
      hidden += 1;
      const { attentionNs, ffnNs, dispatchNs, combineNs } = parts;
      const fills = Math.max(attentionNs, ffnNs);
      const published = attentionNs + ffnNs + dispatchNs + combineNs + fills * (microBatches * layers - 1);
      expect(byEvents(parts, microBatches, layers)).toBe(published);
    }
    expect(hidden).toBeGreaterThan(30);
    const balanced = { attentionNs: 100, ffnNs: 100, dispatchNs: 40, combineNs: 40 };
    // 2 (1 + Tc / Tf) = 2.8: three micro-batches hide the links, two do not.
    expect(lapOf(balanced, 3).microBatchesNeeded).toBe(2.8);
    expect([lapOf(balanced, 2).hidden, lapOf(balanced, 3).hidden]).toEqual([false, true]);
    expect(lapOf({ ...balanced, dispatchNs: 120 }, 9)).toMatchObject({ hidden: false, slowest: "link" });
  });

  it("is told apart from formulas that leave out the ends or the waits", () => {
    const wrong = (formula: (parts: LapParts, m: number, layers: number) => number): number =>
      CASES.filter(({ parts, microBatches, layers }) => formula(parts, microBatches, layers) !== byEvents(parts, microBatches, layers))
        .length;
    const slowest = (parts: LapParts): number => Math.max(...Object.values(parts));
    expect(wrong((parts, m, layers) => m * layers * slowest(parts))).toBeGreaterThan(200);
    expect(
      wrong((parts, m, layers) => Object.values(parts).reduce((a, b) => a + b, 0) + slowest(parts) * (m * layers - 1)),
    ).toBeGreaterThan(50);
  });
});
