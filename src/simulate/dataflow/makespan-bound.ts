import type { Nanoseconds } from "../../base/units.ts";

/** A task as the bound sees it: what it takes on each class of devices (Infinity: cannot), and what must end before it. */
export interface BoundedTask {
  /** By class; of a gang: what it takes of one member. */
  readonly classNs: readonly Nanoseconds[];
  /** Devices it takes at once. */
  readonly gang: number;
  readonly after: readonly number[];
}

/**
 * A lower bound of the time to run a graph of tasks on classes of like devices, without transfers and loads.
 *
 * Model: the larger of two. The longest path with each task at its fastest class. And work: for any prices y of a device's time, by class, with
 * sum(devices * y) = 1, no schedule is shorter than the sum over tasks of min over classes (time * y), because a schedule of length T offers at most
 * T * devices of each class. Taken over the tasks that cannot begin before `head` and of which at least `tail` follows, head and tail add. Prices are
 * sought by multiplicative steps towards the busier class; any prices give a bound, the best of them is returned.
 *
 * Complexity: O(tasks * edges + windows * (tasks + steps * rows * classes)), rows: lists of times that are one object count once.
 * Source: weak duality of the assignment LP of unrelated machines; heads and tails as in Carlier 1982.
 */
export function makespanBound(
  tasks: readonly BoundedTask[],
  devices: readonly number[],
): { readonly pathNs: Nanoseconds; readonly workNs: Nanoseconds } {
  const fastest = tasks.map(({ classNs }) => Math.min(...classNs));
  const head = tasks.map(() => 0);
  const tail = tasks.map(() => 0);
  tasks.forEach(({ after }, i) => {
    for (const before of after) head[i] = Math.max(head[i]!, head[before]! + fastest[before]!);
  });
  for (let i = tasks.length - 1; i >= 0; i--) {
    for (const before of tasks[i]!.after) tail[before] = Math.max(tail[before]!, tail[i]! + fastest[i]!);
  }
  const pathNs = Math.max(0, ...tasks.map((_, i) => head[i]! + fastest[i]! + tail[i]!));
  let workNs = 0;
  for (const headNs of someOf(head)) {
    for (const tailNs of someOf(tail)) {
      const some = tasks.filter((_, i) => head[i]! >= headNs && tail[i]! >= tailNs);
      if (some.length > 0) workNs = Math.max(workNs, headNs + tailNs + workBound(some, devices));
    }
  }
  return { pathNs, workNs };
}

/** A few cuts, zero among them. */
function someOf(values: readonly number[]): number[] {
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  const step = Math.max(1, Math.floor(sorted.length / CUTS));
  return sorted.filter((_, i) => i % step === 0);
}

const CUTS = 12;
const PRICE_STEPS = 60;

function workBound(tasks: readonly BoundedTask[], devices: readonly number[]): Nanoseconds {
  const members = new Map<readonly Nanoseconds[], number>();
  for (const { classNs, gang } of tasks) members.set(classNs, (members.get(classNs) ?? 0) + gang);
  let prices = devices.map(() => 1);
  let best = 0;
  for (let step = 0; step < PRICE_STEPS; step++) {
    const total = devices.reduce((sum, count, one) => sum + count * prices[one]!, 0);
    prices = prices.map((price) => price / total);
    const load = devices.map(() => 0);
    let bound = 0;
    for (const [classNs, count] of members) {
      let cheapest = 0;
      for (let one = 1; one < classNs.length; one++)
        if (classNs[one]! * prices[one]! < classNs[cheapest]! * prices[cheapest]!) cheapest = one;
      bound += count * classNs[cheapest]! * prices[cheapest]!;
      load[cheapest]! += count * classNs[cheapest]!;
    }
    best = Math.max(best, bound);
    // Classes with more than their share of work become dearer, by steps that shrink.
    const mean = Math.max(1, ...load.map((ns, one) => (devices[one]! > 0 ? ns / devices[one]! : 0)));
    prices = prices.map((price, one) => price * (1 + (devices[one]! > 0 ? load[one]! / devices[one]! / mean : 0) / (1 + step / 4)));
  }
  return best;
}
