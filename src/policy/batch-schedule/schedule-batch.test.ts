import { expect, it } from "vitest";
import { seededPrng } from "../../base/prng.ts";
import type { BatchSchedule, BatchView } from "./batch-view.ts";
import { classPrices } from "./class-prices.ts";
import { scheduleBatch } from "./schedule-batch.ts";

/** A random batch of tasks of milliseconds, so that looking is worth its while. */
function batchOf(seed: number, count: number): BatchView {
  const prng = seededPrng(seed);
  const classes = 1 + prng.nextBelow(2);
  const devices = classes + prng.nextBelow(2);
  const kinds = 2;
  const classOf = Int32Array.from({ length: devices }, (_, one) => (one < classes ? one : prng.nextBelow(classes)));
  const byClass = Float64Array.from({ length: kinds * classes }, () => 1e6 * (1 + prng.nextBelow(9)));
  const unitNs = new Float64Array(kinds * devices);
  for (let kind = 0; kind < kinds; kind++) {
    for (let one = 0; one < devices; one++) unitNs[kind * devices + one] = byClass[kind * classes + classOf[one]!]!;
  }
  if (classes > 1) unitNs.fill(Infinity, 0, 1);
  return {
    devices,
    classes,
    classOf,
    memoryOf: Int32Array.from({ length: devices }, (_, one) => one + 1),
    freeNs: Float64Array.from({ length: devices }, () => prng.nextBelow(2) * 1e6),
    unitNs,
    stageOfKind: Int32Array.of(0, 1),
    loadNs: Float64Array.from({ length: kinds * devices }, () => prng.nextBelow(2) * 5e5),
    kind: Int32Array.from({ length: count }, () => prng.nextBelow(kinds)),
    work: Float64Array.from({ length: count }, () => 1 + prng.nextBelow(2)),
    handoverNs: Float64Array.from({ length: count }, () => prng.nextBelow(2) * 3e5),
    dataNs: new Float64Array(count * devices),
    before: Array.from({ length: count }, (_, i) =>
      i === 0 ? [] : [...new Set([prng.nextBelow(i), prng.nextBelow(i)])].slice(prng.nextBelow(3)),
    ),
  };
}

/** What is wrong with a schedule: a task before its inputs, two at once on a device, a run that is too short. */
function faultsOf(batch: BatchView, { device, startNs, endNs }: BatchSchedule): string[] {
  const faults: string[] = [];
  const { devices, kind, work, unitNs, before, memoryOf, handoverNs, freeNs } = batch;
  kind.forEach((one, task) => {
    const at = device[task]!;
    if (endNs[task]! - startNs[task]! < unitNs[one * devices + at]! * work[task]! - 1) faults.push(`${task} is too short`);
    if (startNs[task]! < freeNs[at]!) faults.push(`${task} on a busy device`);
    for (const input of before[task]!) {
      const handover = memoryOf[device[input]!] === memoryOf[at] ? 0 : handoverNs[input]!;
      if (startNs[task]! < endNs[input]! + handover) faults.push(`${task} before ${input}`);
    }
    for (let other = 0; other < task; other++) {
      if (device[other] === at && startNs[other]! < endNs[task]! && startNs[task]! < endNs[other]!) faults.push(`${task} beside ${other}`);
    }
  });
  return faults;
}

/** The shortest of all schedules: every order, every device, each task as early as it can. */
function shortest(batch: BatchView): number {
  const { devices, kind, work, unitNs, before, memoryOf, handoverNs, freeNs, loadNs, stageOfKind } = batch;
  const count = kind.length;
  const endNs = new Float64Array(count);
  const device = new Int32Array(count).fill(-1);
  let best = Infinity;
  const go = (placed: number, free: Float64Array, loads: Float64Array, lengthNs: number): void => {
    if (lengthNs >= best) return;
    if (placed === count) best = lengthNs;
    for (let task = 0; task < count; task++) {
      if (device[task] !== -1 || before[task]!.some((input) => device[input] === -1)) continue;
      for (let one = 0; one < devices; one++) {
        const load = stageOfKind[kind[task]!]! * devices + one;
        const runNs = unitNs[kind[task]! * devices + one]! * work[task]! + loads[load]!;
        if (runNs === Infinity) continue;
        const there = before[task]!.map((input) => endNs[input]! + (memoryOf[device[input]!] === memoryOf[one] ? 0 : handoverNs[input]!));
        device[task] = one;
        endNs[task] = Math.max(free[one]!, ...there) + runNs;
        go(placed + 1, free.with(one, endNs[task]!), loads.with(load, 0), Math.max(lengthNs, endNs[task]!));
        device[task] = -1;
      }
    }
  };
  go(0, freeNs, loadNs, 0);
  return best;
}

it("gives schedules that can be run, near the shortest there are", () => {
  const ratios: number[] = [];
  for (let seed = 0; seed < 40; seed++) {
    const batch = batchOf(seed, 6);
    const found = scheduleBatch(batch)!;
    expect({ seed, faults: faultsOf(batch, found) }).toEqual({ seed, faults: [] });
    const optimum = shortest(batch);
    expect(found.lengthNs).toBeGreaterThanOrEqual(optimum - 1);
    expect(classPrices(batch).workNs).toBeLessThanOrEqual(optimum);
    ratios.push(found.lengthNs / optimum);
  }
  ratios.sort((a, b) => a - b);
  console.log(`schedule / optimum: median ${ratios[20]!.toFixed(3)}, worst ${ratios[39]!.toFixed(3)}`);
  expect(ratios[20]).toBeLessThanOrEqual(1.001);
  expect(ratios[39]).toBeLessThanOrEqual(1.2);
});

it("a large batch: runnable, and on every device that helps", () => {
  for (let seed = 0; seed < 10; seed++) {
    const batch = batchOf(seed, 200);
    expect(faultsOf(batch, scheduleBatch(batch)!)).toEqual([]);
  }
});

it("looks for none where looking takes longer than the tasks, and where a task has no device", () => {
  const batch = batchOf(1, 50);
  expect(scheduleBatch({ ...batch, unitNs: batch.unitNs.map((ns) => ns / 1e6) })).toBeUndefined();
  expect(scheduleBatch({ ...batch, unitNs: batch.unitNs.map(() => Infinity) })).toBeUndefined();
});
