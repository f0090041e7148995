import type { BatchSchedule, BatchView } from "./batch-view.ts";

export interface Insertion {
  /** Every task behind those it waits for. */
  readonly order: ArrayLike<number>;
  /** By task: those it waits for. */
  readonly before: readonly (readonly number[])[];
  /** Time runs backwards: a task hands its results to those it waits for. */
  readonly mirrored: boolean;
  /** By kind and device: added to the end, a unit of work, to choose a device. */
  readonly wasteNs: Float64Array;
  /** What the waste counts. */
  readonly thrift: number;
  /** By task, where that is settled. */
  readonly device: Int32Array | undefined;
}

/**
 * One task after the other where it ends first, waste counted, into the earliest gap that is long enough.
 *
 * Complexity: tasks * devices * (inputs + gaps looked at).
 * Source: the insertion of HEFT (Topcuoglu et al. 2002).
 */
export function insertTasks(batch: BatchView, given: Insertion): BatchSchedule {
  const { devices, memoryOf, kind: kinds, work, unitNs, stageOfKind, handoverNs, dataNs } = batch;
  const { before, wasteNs, thrift, mirrored } = given;
  const count = kinds.length;
  const device = new Int32Array(count);
  const startNs = new Float64Array(count);
  const endNs = new Float64Array(count);
  const taken: number[][] = Array.from({ length: devices }, () => []);
  const lastNs = mirrored ? new Float64Array(devices) : batch.freeNs.slice();
  const loadNs = mirrored ? undefined : batch.loadNs.slice();
  let lengthNs = 0;
  for (let i = 0; i < count; i++) {
    const task = given.order[i]!;
    const kind = kinds[task]!;
    const inputs = before[task]!;
    const settled = given.device?.[task];
    let best = -1;
    let bestScore = Infinity;
    let bestStart = 0;
    let bestEnd = 0;
    for (let one = settled ?? 0; one < devices; one++) {
      const unit = unitNs[kind * devices + one]!;
      if (unit < Infinity) {
        const runNs = unit * work[task]! + (loadNs === undefined ? 0 : loadNs[stageOfKind[kind]! * devices + one]!);
        let at = mirrored ? 0 : Math.max(batch.freeNs[one]!, dataNs[task * devices + one]!);
        for (let j = 0; j < inputs.length; j++) {
          const input = inputs[j]!;
          const there = endNs[input]! + (memoryOf[device[input]!] === memoryOf[one] ? 0 : handoverNs[mirrored ? task : input]!);
          if (there > at) at = there;
        }
        if (at < lastNs[one]!) at = gapFrom(at, runNs, { tasks: taken[one]!, startNs, endNs });
        const score = at + runNs + thrift * work[task]! * wasteNs[kind * devices + one]!;
        if (score < bestScore) {
          best = one;
          bestScore = score;
          bestStart = at;
          bestEnd = at + runNs;
        }
      }
      if (settled !== undefined) break;
    }
    if (best < 0) return { device, startNs, endNs, lengthNs: Infinity };
    device[task] = best;
    startNs[task] = bestStart;
    endNs[task] = bestEnd;
    if (bestEnd > lastNs[best]!) lastNs[best] = bestEnd;
    if (bestEnd > lengthNs) lengthNs = bestEnd;
    if (loadNs !== undefined) loadNs[stageOfKind[kind]! * devices + best] = 0;
    enter(taken[best]!, task, startNs);
  }
  return { device, startNs, endNs, lengthNs };
}

interface Taken {
  /** In order of time. */
  readonly tasks: readonly number[];
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
}

/** The first time from `at` on when nothing runs for so long. */
function gapFrom(at: number, lengthNs: number, { tasks, startNs, endNs }: Taken): number {
  let i = tasks.length;
  while (i > 0 && endNs[tasks[i - 1]!]! > at) i--;
  let from = at;
  for (; i < tasks.length && startNs[tasks[i]!]! < from + lengthNs; i++) from = Math.max(from, endNs[tasks[i]!]!);
  return from;
}

function enter(tasks: number[], task: number, startNs: Float64Array): void {
  let i = tasks.length;
  tasks.push(task);
  for (; i > 0 && startNs[tasks[i - 1]!]! > startNs[task]!; i--) tasks[i] = tasks[i - 1]!;
  tasks[i] = task;
}
