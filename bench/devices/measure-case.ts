import { join } from "node:path";
import { must } from "../../src/base/assert.ts";
import type { TaskId } from "../../src/engine/dataflow/dataflow-types.ts";
import { openRack } from "../../src/sdk/open-rack.ts";
import type { OpenRack, Tensor } from "../../src/sdk/sdk-types.ts";
import type { Batch, DeviceCase } from "./device-case.ts";
import { devicesApart } from "./devices-apart.ts";
import { forecastErrors } from "./forecast.ts";

/**
 * Batches before the first one that counts: two for compiling and for every kind of run on every device, then three of each way that work may go which comes again
 * (over all devices, or on one of two: `policy/way-choice.ts`), one more for what is not measured; more where batches are short, for warm code.
 */
const LEARNING_BATCHES = 12;
const WARM_MS = 1_000;
/**
 * Where runs take less than a ms, more: the code of seats is compiled while it runs, and a rack that has two of them has half of the runs for each. Until a
 * device of every rack has had so many runs, or that long.
 *
 * Why: of a chain of tiny runs, batches took 195 ms in the first round and 80 ms in the tenth on every rack, later on the one with two devices.
 */
const WARM_RUNS = 4_000;
const WARM_MOST_MS = 6_000;
const SHORT_RUN_NS = 1_000_000;
/**
 * Rounds at least; more where batches are short, whose times one wake-up of a busy machine changes by half. Five rounds of 0.3 s gave 0.91 to 1.01 where both
 * racks ran the same work on the same core. Units of the time: ms a rack.
 */
export const ROUNDS = 5;
const ROUNDS_MS = 6_000;

export interface CaseTimes {
  /** Makespan of each round's batch. Units: ms. */
  readonly mixMs: readonly number[];
  readonly singles: readonly { readonly name: string; readonly ms: readonly number[] }[];
  /** A batch, of all devices of the mix at once in racks of their own; undefined where one cannot do it alone. Units: ms. */
  readonly apartMs: number | undefined;
  readonly learningTasks: number;
  /** Tasks of the counted rounds by device of the mix. */
  readonly shares: readonly string[];
  /** Largest difference of a batch's results on any rack from the first single device's, over the largest of their tensor; NaN where the case gives none. */
  readonly resultsOff: number;
  /** Of the batches on the mix of the first `ROUNDS` rounds: forecast / live - 1. */
  readonly forecastErrors: readonly number[];
}

/** The mix and every device alone, all open and warm, in turns. `folder`: for ledgers. */
export async function measureCase(one: DeviceCase, folder: string, note: (text: string) => void): Promise<CaseTimes> {
  const batch = await one.prepare();
  const open: OpenRack[] = [];
  try {
    for (const [at, rack] of [one.mix, ...one.singles.map((single) => single.rack)].entries())
      open.push(await openRack(rack, { ledger: join(folder, `${one.name}-${at}`) }));
    const began = performance.now();
    const isCold = (): boolean => {
      const warmMs = open.some(hasShortRuns) && open.some((rack) => mostRuns(rack) < WARM_RUNS) ? WARM_MOST_MS : WARM_MS;
      return performance.now() - began < warmMs * open.length;
    };
    for (let i = 0; i < LEARNING_BATCHES || isCold(); i++) for (const rack of open) await batch(rack);
    const mix = open[0]!;
    const resultsOff = await largestDifference(open, batch);
    const before = tasksByDevice(mix);
    const starts: TaskId[] = [];
    const times = open.map((): number[] => []);
    const roundsBegan = performance.now();
    for (let round = 0; round < ROUNDS || performance.now() - roundsBegan < ROUNDS_MS * open.length; round++) {
      starts.push(sum(tasksByDevice(mix)));
      // Each rack is the first of as many rounds: what one leaves behind, the next one finds.
      for (let turn = 0; turn < open.length; turn++) {
        const at = (turn + round) % open.length;
        const began = performance.now();
        await batch(open[at]!);
        times[at]!.push(performance.now() - began);
      }
      note(`${one.name}, round ${round + 1}: ${times.map((ms) => ms.at(-1)!.toFixed(0)).join(", ")} ms`);
    }
    const after = tasksByDevice(mix);
    const shares = one.mix.devices.map(({ id }, at) => `${id} ${after[at]! - before[at]!}`);
    await Promise.all(open.splice(0).map((rack) => rack.close()));
    const apartMs = await devicesApart(one, batch);
    return {
      mixMs: times[0]!,
      singles: one.singles.map(({ name }, at) => ({ name, ms: times[at + 1]! })),
      apartMs,
      learningTasks: sum(before),
      resultsOff,
      shares,
      forecastErrors: forecastErrors(join(folder, `${one.name}-0`), starts, ROUNDS),
    };
  } finally {
    await Promise.all(open.map((rack) => rack.close()));
  }
}

/** `racks`: the mix, then each device alone. */
async function largestDifference(racks: readonly OpenRack[], batch: Batch): Promise<number> {
  const results: (readonly Tensor[] | undefined)[] = [];
  for (const rack of racks) results.push(await batch(rack));
  const reference = results[1];
  if (reference === undefined) return Number.NaN;
  return Math.max(...results.map((tensors) => differenceOf(must(tensors, "a case gives results on every rack"), reference)));
}

/** Infinity where there are other tensors than there should be. */
function differenceOf(tensors: readonly Tensor[], reference: readonly Tensor[]): number {
  if (tensors.length !== reference.length) return Number.POSITIVE_INFINITY;
  return Math.max(...tensors.map(({ data }, at) => differenceOfValues(data, reference[at]!.data)));
}

function differenceOfValues(values: Tensor["data"], reference: Tensor["data"]): number {
  if (values.length !== reference.length) return Number.POSITIVE_INFINITY;
  let off = 0;
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    off = Math.max(off, Math.abs(Number(values[i]) - Number(reference[i])));
    largest = Math.max(largest, Math.abs(Number(reference[i])));
  }
  return off === 0 ? 0 : off / largest;
}

function hasShortRuns(rack: OpenRack): boolean {
  return rack.report().devices.some(({ tasks, busyNs }) => tasks > 0 && busyNs / tasks < SHORT_RUN_NS);
}

function mostRuns(rack: OpenRack): number {
  return Math.max(...tasksByDevice(rack));
}

function tasksByDevice(rack: OpenRack): readonly number[] {
  return rack.report().devices.map(({ tasks }) => tasks);
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
