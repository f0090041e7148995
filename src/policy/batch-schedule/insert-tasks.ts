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
  const { devices, memoryOf, kind: kinds, work, unitNs, stageOfKind, handoverNs, dataNs, freeNs } = batch;
  const { order, before, wasteNs, thrift, mirrored, device: settled } = given;
  const count = kinds.length;
  const device = new Int32Array(count);
  const startNs = new Float64Array(count);
  const endNs = new Float64Array(count);
  // By device: what is taken, in order of time.
  const starts: number[][] = Array.from({ length: devices }, () => []);
  const ends: number[][] = Array.from({ length: devices }, () => []);
  const loadNs = batch.loadNs.slice();
  const there = new Float64Array(devices);
  let lengthNs = 0;
  for (let i = 0; i < count; i++) {
    const task = order[i]!;
    const units = work[task]!;
    const row = kinds[task]! * devices;
    const loads = stageOfKind[kinds[task]!]! * devices;
    const only = settled === undefined ? -1 : settled[task]!;
    const first = Math.max(0, only);
    const last = only < 0 ? devices : only + 1;
    for (let one = first; one < last; one++) there[one] = mirrored ? 0 : Math.max(freeNs[one]!, dataNs[task * devices + one]!);
    const inputs = before[task]!;
    for (let j = 0; j < inputs.length; j++) {
      const input = inputs[j]!;
      const at = endNs[input]!;
      const afar = at + handoverNs[mirrored ? task : input]!;
      const memory = memoryOf[device[input]!]!;
      for (let one = first; one < last; one++) {
        const arrives = memoryOf[one] === memory ? at : afar;
        if (arrives > there[one]!) there[one] = arrives;
      }
    }
    let best = -1;
    let bestScore = Infinity;
    let bestStart = 0;
    let bestEnd = 0;
    for (let one = first; one < last; one++) {
      const unit = unitNs[row + one]!;
      if (unit === Infinity) continue;
      const runNs = unit * units + (mirrored ? 0 : loadNs[loads + one]!);
      const most = bestScore - runNs - thrift * units * wasteNs[row + one]!;
      if (there[one]! >= most) continue;
      const at = gapFrom(there[one]!, runNs, { starts: starts[one]!, ends: ends[one]!, most });
      if (at >= most) continue;
      best = one;
      bestScore = at + runNs + thrift * units * wasteNs[row + one]!;
      bestStart = at;
      bestEnd = at + runNs;
    }
    if (best < 0) return { device, startNs, endNs, lengthNs: Infinity };
    device[task] = best;
    startNs[task] = bestStart;
    endNs[task] = bestEnd;
    if (bestEnd > lengthNs) lengthNs = bestEnd;
    loadNs[loads + best] = 0;
    enter(starts[best]!, bestStart);
    enter(ends[best]!, bestEnd);
  }
  return { device, startNs, endNs, lengthNs };
}

interface Taken {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** Where it need not be known any more. */
  readonly most: number;
}

/** The first time from `at` on when nothing runs for so long. */
function gapFrom(at: number, lengthNs: number, { starts, ends, most }: Taken): number {
  let low = 0;
  let high = ends.length;
  if (high === 0 || ends[high - 1]! <= at) return at;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle]! > at) high = middle;
    else low = middle + 1;
  }
  let from = at;
  for (; low < starts.length && starts[low]! < from + lengthNs && from < most; low++) from = ends[low]!;
  return from;
}

function enter(times: number[], time: number): void {
  let i = times.length;
  times.push(time);
  for (; i > 0 && times[i - 1]! > time; i--) times[i] = times[i - 1]!;
  times[i] = time;
}
