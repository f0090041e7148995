// Goal: the production engines keep all six invariants whatever happens to them. Method: seeded runs under a virtual clock, ten kinds of disturbance
// in nine mixtures, checked from outside; each mixture is shown to contain what it claims.
import { describe, expect, test } from "vitest";
import { checkedRun } from "./checked-run.ts";
import { type Happenings, happeningWatcher, noHappenings } from "./happenings.ts";
import { PHASES, type Phase, scenario } from "./scenario.ts";

const SEEDS = 40;

describe(`${SEEDS} runs each`, () => {
  test.each(Object.keys(PHASES) as Phase[])("%s", (phase) => {
    const happenings = noHappenings();
    for (let seed = 0; seed < SEEDS; seed++) {
      const { outcome, violations } = checkedRun(scenario(phase, seed), { watcher: happeningWatcher(happenings) });
      expect(violations, `scenario("${phase}", ${seed})`).toEqual([]);
      expect(outcome.unfinished).toBe(0);
    }
    // A full queue is rare where nothing else holds requests up; `drain` and `slow device` have it.
    const meant = (Object.keys(happenings) as (keyof Happenings)[]).filter((what) => what !== "rejected" || /drain|slow/.test(phase));
    const missing = meant.filter((what) => happenings[what] < SEEDS / 8);
    expect(missing, `${phase}: ${JSON.stringify(happenings)}`).toEqual([]);
  });
});

test("a run is a function of its input", () => {
  const [first, second, other] = [7, 7, 8].map((seed) => checkedRun(scenario("lossy network", seed)).outcome);
  expect(second).toEqual(first);
  expect(other).not.toEqual(first);
});
