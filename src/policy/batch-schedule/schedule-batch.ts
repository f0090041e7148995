import type { Nanoseconds, Ratio } from "../../base/units.ts";
import type { BatchSchedule, BatchView } from "./batch-view.ts";
import { classPrices } from "./class-prices.ts";
import { insertTasks } from "./insert-tasks.ts";

/**
 * A schedule of a whole batch: many are made, the shortest is kept.
 *
 * Model: first the tasks in order of the longest path behind them, each inserted where it ends first, with more or less weight on what it wastes there: its
 * time at the classes' prices over the cheapest class. Then passes over the best of them, to and fro: from the last task to the first in a mirror, in order
 * of the ends of the schedule before, and from the first to the last, in order of the ends in the mirror, devices free or as in the mirror. It ends where a
 * schedule is near what none can beat, or looking takes a share of what could still be gained.
 *
 * Complexity: tasks * devices a pass, at most `PASSES_MAX` of them.
 * Source: HEFT (Topcuoglu et al. 2002); forward and backward passes as in Li and Willis 1992.
 */
export function scheduleBatch(batch: BatchView): BatchSchedule | undefined {
  const ownNs = fastestNs(batch);
  if (ownNs.length === 0 || !ownNs.every(Number.isFinite)) return undefined;
  const after = successors(batch.before);
  const { prices, workNs } = classPrices(batch);
  const wasteNs = wasteAt(batch, prices);
  const path = pathBehind(ownNs, after);
  const enoughNs = ENOUGH * path.reduce((a, b) => Math.max(a, b), workNs);
  const passNs = PASS_NS * batch.kind.length * batch.devices;
  let passes = 0;
  let best: BatchSchedule | undefined;
  const goesOn = (): boolean => {
    const gainNs = best === undefined ? FIRST_GAIN * enoughNs : best.lengthNs - enoughNs;
    return passes < PASSES_MAX && ++passes * passNs < COST_SHARE * gainNs;
  };
  const kept = (found: BatchSchedule): BatchSchedule => {
    if (found.lengthNs < (best?.lengthNs ?? Infinity)) best = found;
    return found;
  };
  const forward = (keys: Float64Array, thrift: number, device?: Int32Array): BatchSchedule =>
    kept(insertTasks(batch, { order: downwards(keys), before: batch.before, mirrored: false, wasteNs, thrift, device }));
  for (let i = 0; i < THRIFTS.length && goesOn(); i++) forward(path, THRIFTS[i]!);
  let latest = best;
  for (let i = 0; latest !== undefined && goesOn(); i++) {
    const thrift = THRIFTS[Math.floor(i / ROUNDS) % THRIFTS.length]!;
    const image = insertTasks(batch, { order: downwards(latest.endNs), before: after, mirrored: true, wasteNs, thrift, device: undefined });
    // What ends last in the mirror begins first.
    if (goesOn()) latest = forward(image.endNs, thrift);
    if (!goesOn()) break;
    const settled = forward(image.endNs, 0, image.device);
    if (settled.lengthNs < latest.lengthNs) latest = settled;
  }
  return best;
}

/** Weights of what is wasted, in the order in which they are tried; each gave the shortest schedule for some graphs. */
const THRIFTS: readonly number[] = [0, 1, 2, 0.5, 4];
/** To and fro so often with one of them. */
const ROUNDS = 4;
/** A schedule so near the bound is not worth another pass. */
const ENOUGH: Ratio = 1.05;
const PASSES_MAX = 64;
/** What the first schedule may gain over deciding task by task, as a share of what the batch takes: measured on random graphs. */
const FIRST_GAIN: Ratio = 0.08;
/**
 * Looking takes at most this share of what there is still to gain. Measured on 300 random graphs of 40 to 140 tasks: 0.25 ms of CPU a graph with warm code,
 * 0.6 ms with cold code on a busy machine, where 0.6 ms of 13.7 ms are gained.
 */
const COST_SHARE: Ratio = 1;
/** A pass, a task and a device: measured, 60 to 100. */
const PASS_NS: Nanoseconds = 80;

/** Each task on the device that is fastest for it. */
function fastestNs({ kind, work, unitNs, devices }: BatchView): Float64Array {
  const least = new Float64Array(unitNs.length / devices).fill(Infinity);
  unitNs.forEach((ns, at) => {
    const one = Math.floor(at / devices);
    least[one] = Math.min(least[one]!, ns);
  });
  // Not zero, so that a task always has a longer path than those behind it.
  return work.map((units, task) => Math.max(1, units * least[kind[task]!]!));
}

/** By kind and device: a unit's time there at the class's price, over where it is cheapest. */
function wasteAt({ unitNs, devices, classOf }: BatchView, prices: Float64Array): Float64Array {
  const waste = unitNs.map((ns, at) => ns * prices[classOf[at % devices]!]!);
  for (let row = 0; row < waste.length; row += devices) {
    let least = Infinity;
    for (let device = 0; device < devices; device++) least = Math.min(least, waste[row + device]!);
    for (let device = 0; device < devices; device++) waste[row + device]! -= least;
  }
  return waste;
}

function successors(before: BatchView["before"]): number[][] {
  const after: number[][] = before.map(() => []);
  before.forEach((inputs, task) => {
    for (const input of inputs) after[input]!.push(task);
  });
  return after;
}

function pathBehind(ownNs: Float64Array, after: readonly (readonly number[])[]): Float64Array {
  const path = new Float64Array(ownNs.length);
  for (let task = ownNs.length - 1; task >= 0; task--) {
    let longest = 0;
    for (const next of after[task]!) longest = Math.max(longest, path[next]!);
    path[task] = ownNs[task]! + longest;
  }
  return path;
}

/** The largest first; among equals the earlier. */
function downwards(keys: Float64Array): number[] {
  return Array.from(keys, (_, task) => task).sort((a, b) => keys[b]! - keys[a]! || a - b);
}
