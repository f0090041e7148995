import { expect, it } from "vitest";
import { seededPrng } from "../../base/prng.ts";
import { type BoundedTask, makespanBound } from "./makespan-bound.ts";

/** The shortest of all schedules: every order, every class, each task as early as it can. */
function shortest(tasks: readonly BoundedTask[], devices: readonly number[]): number {
  const endNs = tasks.map(() => -1);
  let best = Infinity;
  const go = (placed: number, free: readonly (readonly number[])[], lengthNs: number): void => {
    if (lengthNs >= best) return;
    if (placed === tasks.length) best = lengthNs;
    tasks.forEach(({ classNs, after }, task) => {
      if (endNs[task]! >= 0 || after.some((before) => endNs[before]! < 0)) return;
      classNs.forEach((ns, one) => {
        if (ns === Infinity) return;
        const [first, ...others] = [...free[one]!].sort((a, b) => a - b);
        const end = Math.max(first!, ...after.map((before) => endNs[before]!)) + ns;
        endNs[task] = end;
        go(placed + 1, free.with(one, [end, ...others]), Math.max(lengthNs, end));
        endNs[task] = -1;
      });
    });
  };
  go(
    0,
    devices.map((count) => new Array<number>(count).fill(0)),
    0,
  );
  return best;
}

it("is never above the shortest schedule, and often it", () => {
  let tight = 0;
  for (let seed = 0; seed < 120; seed++) {
    const prng = seededPrng(seed);
    const devices = Array.from({ length: 1 + prng.nextBelow(2) }, () => 1 + prng.nextBelow(2));
    const rows = Array.from({ length: 2 }, () =>
      devices.map((_, one) => (one > 0 && prng.nextBelow(4) === 0 ? Infinity : 1 + prng.nextBelow(9))),
    );
    const tasks = Array.from({ length: 5 }, (_, i): BoundedTask => {
      const after = i === 0 ? [] : [...new Set([prng.nextBelow(i), prng.nextBelow(i)])].slice(prng.nextBelow(3));
      return { classNs: rows[prng.nextBelow(2)]!, gang: 1, after };
    });
    const { pathNs, workNs } = makespanBound(tasks, devices);
    const optimum = shortest(tasks, devices);
    expect(Math.max(pathNs, workNs), `seed ${seed}`).toBeLessThanOrEqual(optimum + 1e-9);
    if (Math.max(pathNs, workNs) > 0.95 * optimum) tight++;
  }
  expect(tight).toBeGreaterThan(60);
});
