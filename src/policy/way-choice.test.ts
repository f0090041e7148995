// Goal: of ways that work can go, the quickest is taken nearly always, whatever else slows the machine down, and what looking costs is bounded. Method: ways
// with known factors, makespans with noise, a machine that gets slower and quicker, and a way that changes; losses over many seeds.
import { describe, expect, it } from "vitest";
import { seededPrng } from "../base/prng.ts";
import { chooseWay, createWayRecord, ratioOf, recordWay, wayOn } from "./way-choice.ts";

const MS = 1e6;

interface Play {
  readonly seed: number;
  readonly times: number;
  /** What a way takes at a time, without noise. Units: ms. */
  readonly ms: (way: number, time: number) => number;
  readonly ways: number;
  /** Share by which a makespan differs, either way. */
  readonly noise: number;
  readonly mayBe?: (device: number) => boolean;
}

/** What each time took over what the best way would have, without noise; and the ways taken. */
function play({ seed, times, ms, ways, noise, mayBe = () => true }: Play): { readonly losses: number[]; readonly taken: number[] } {
  const { nextFloat } = seededPrng(seed);
  const record = createWayRecord();
  for (let device = 0; device < ways - 1; device++) record.ways.push(wayOn(device));
  const losses: number[] = [];
  const taken: number[] = [];
  for (let time = 0; time < times; time++) {
    const choice = chooseWay(record, mayBe);
    const ownMs = ms(choice.way, time);
    recordWay(record, choice, ownMs * MS * (1 + noise * (2 * nextFloat() - 1)));
    losses.push(ownMs / Math.min(...Array.from({ length: ways }, (_, way) => ms(way, time))) - 1);
    taken.push(choice.way);
  }
  return { losses, taken };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("the choice of ways", () => {
  it("loses at most a twentieth after some thirty times, with a fifth of noise on a machine that gets twice as slow and quick again", () => {
    const machine = (time: number): number => 1 + Math.abs(((time / 40) % 2) - 1);
    for (const factors of [
      [1.12, 1, 1.02],
      [1, 1.3, 1.5],
      [1.5, 1.06, 1],
      [1, 1, 1],
    ]) {
      const lost = Array.from({ length: 40 }, (_, seed) =>
        mean(play({ seed, times: 130, ways: 3, noise: 0.2, ms: (way, time) => 50 * factors[way]! * machine(time) }).losses.slice(30)),
      );
      expect(mean(lost)).toBeLessThan(0.05);
    }
  });

  it("follows a way that gets quicker, and one that gets slower at once", () => {
    const quicker = play({ seed: 1, times: 200, ways: 3, noise: 0.05, ms: (way, time) => (way === 2 && time >= 60 ? 30 : 50 + way) });
    expect(quicker.taken.slice(-20).filter((way) => way === 2).length).toBeGreaterThan(15);
    const slower = play({
      seed: 1,
      times: 120,
      ways: 2,
      noise: 0.05,
      ms: (way, time) => (way === 1 && time >= 40 ? 120 : way === 1 ? 40 : 60),
    });
    expect(slower.taken.slice(30, 40)).toContain(1);
    expect(slower.taken.slice(60).filter((way) => way === 1).length).toBeLessThan(6);
  });

  it("looks at a bad way again so rarely that it costs next to nothing, and at one that could not be the quickest not at all", () => {
    const bad = play({ seed: 3, times: 1_000, ways: 2, noise: 0.02, ms: (way) => (way === 1 ? 150 : 50) });
    // A hundredth, and the noise by which it looks better than it is.
    expect(mean(bad.losses.slice(10))).toBeLessThan(0.011);
    expect(bad.taken.slice(10).filter((way) => way === 1).length).toBeGreaterThan(0);
    const never = play({ seed: 3, times: 300, ways: 2, noise: 0.02, ms: (way) => (way === 1 ? 150 : 50), mayBe: () => false });
    expect(never.taken).not.toContain(1);
  });

  it("does not take a way for the quickest that was never measured", () => {
    const record = createWayRecord();
    record.ways.push(wayOn(0));
    for (let time = 0; time < 60; time++) {
      const choice = chooseWay(record, () => true);
      recordWay(record, choice, choice.way === 1 ? undefined : 50 * MS);
    }
    expect(record.chosen).toBe(0);
    expect(ratioOf(record, record.ways[1]!)).toBe(Infinity);
    expect(record.ways[1]!.tries).toBeLessThan(8);
  });
});
