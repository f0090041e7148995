import type { Nanoseconds } from "../../base/units.ts";
import type { BatchView } from "./batch-view.ts";

/** What a nanosecond of each class of devices is worth to a batch, 1 on average over the devices, and how long all devices need for its work at least. */
export interface ClassPrices {
  readonly prices: Float64Array;
  readonly workNs: Nanoseconds;
}

/**
 * Prices under which work that could run elsewhere as cheaply leaves the classes that are short.
 *
 * Model: at prices y no schedule is shorter than the sum over kinds of work * min over classes (time * y), over the devices; the prices sought are those for
 * which that is most. Steps that shrink, towards the class with most to do.
 *
 * Complexity: steps * kinds * classes.
 * Source: the dual of the assignment programme of unrelated machines (Lenstra, Shmoys, Tardos 1990), by multiplicative weights.
 */
export function classPrices(batch: BatchView): ClassPrices {
  const { classes } = batch;
  const count = new Float64Array(classes);
  for (const one of batch.classOf) count[one]!++;
  const unitNs = unitNsByClass(batch);
  const work = workByKind(batch);
  let prices = new Float64Array(classes).fill(1);
  let best: ClassPrices = { prices, workNs: 0 };
  for (let step = 0; step < STEPS; step++) {
    const total = prices.reduce((sum, price, one) => sum + price * count[one]!, 0);
    prices = prices.map((price) => (price * batch.devices) / total);
    const load = new Float64Array(classes);
    let worth = 0;
    for (let kind = 0; kind < work.length; kind++) {
      const row = kind * classes;
      let cheapest = 0;
      for (let one = 1; one < classes; one++) {
        if (unitNs[row + one]! * prices[one]! < unitNs[row + cheapest]! * prices[cheapest]!) cheapest = one;
      }
      worth += work[kind]! * unitNs[row + cheapest]! * prices[cheapest]!;
      load[cheapest]! += work[kind]! * unitNs[row + cheapest]!;
    }
    if (worth > best.workNs * batch.devices) best = { prices, workNs: worth / batch.devices };
    const share = load.map((ns, one) => (count[one]! > 0 ? ns / count[one]! : 0));
    const most = share.reduce((a, b) => Math.max(a, b), 1);
    prices = prices.map((price, one) => price * (1 + share[one]! / most / (1 + step / 4)));
  }
  return best;
}

const STEPS = 30;

/** By kind and class: the fastest of its devices. */
function unitNsByClass({ classes, classOf, devices, unitNs }: BatchView): Float64Array {
  const kinds = unitNs.length / devices;
  const least = new Float64Array(kinds * classes).fill(Infinity);
  for (let kind = 0; kind < kinds; kind++) {
    for (let device = 0; device < devices; device++) {
      const at = kind * classes + classOf[device]!;
      least[at] = Math.min(least[at]!, unitNs[kind * devices + device]!);
    }
  }
  return least;
}

function workByKind({ kind, work, stageOfKind }: BatchView): Float64Array {
  const sums = new Float64Array(stageOfKind.length);
  kind.forEach((one, task) => {
    sums[one]! += work[task]!;
  });
  return sums;
}
