// Goal: prices between powers of two are those of a straight line, and few are computed. Method: functions whose values are known.
import { expect, it } from "vitest";
import { betweenPowers } from "./between-powers.ts";

it("is exact for what grows evenly, and asks once a power", () => {
  let asked = 0;
  const work = betweenPowers(({ past = 0, batch = 0 }) => {
    asked++;
    return [10 + 3 * past, 5 * batch];
  });
  for (let past = 0; past <= 1000; past++) expect(work({ batch: 4, past })[0]).toBeCloseTo(10 + 3 * past, 6);
  // 0, 1, 2, 4 … 1024.
  expect(asked).toBe(12);
  expect(work({ past: 1000, batch: 4 })).toEqual(work({ batch: 4, past: 1000 }));
  expect(work({ batch: 6, past: 8 })).toEqual([34, 30]);
});

it("lies between the ends where it is not straight, and tells unlike sizes apart", () => {
  const work = betweenPowers(({ n = 0 }) => [n * n]);
  expect(work({ n: 48 })[0]).toBe((32 * 32 + 64 * 64) / 2);
  expect(work({ n: 64 })).not.toEqual(work({ n: 63 }));
});
