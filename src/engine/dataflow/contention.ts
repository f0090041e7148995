import type { Nanoseconds, Ratio } from "../../base/units.ts";
import type { DataflowRack, DeviceId } from "./dataflow-types.ts";

/**
 * How much slower runs of a device are while other devices of its machine run: cores, caches and memory are shared, whatever the rack file says.
 *
 * Model: a run takes base * (1 + share * others), `others` the mean number of other devices of the machine that ran meanwhile. The share of a device is the
 * slope of a line through its runs, each over its kind's mean, so that kinds need not be alike; older runs fade, and where `others` hardly changed the
 * slope is drawn to 0. A device that never ran alone says nothing of it: it wants to, for a few runs.
 */
export interface Contention {
  /** By device; -1: it shares nothing. */
  readonly machineOf: Int32Array;
  /** By machine: devices that run now, the sum of such devices over time, and until when it counts. */
  readonly running: Float64Array;
  readonly runningNs: Float64Array;
  readonly countedUntil: Float64Array;
  /** By device: faded sums of (others - mean)² and (others - mean) * (time / mean - 1), and the share. */
  readonly spread: Float64Array;
  readonly slope: Float64Array;
  readonly share: Float64Array;
  /** By device: runs beside others. */
  readonly beside: Float64Array;
}

/** Share of the older runs that a new one leaves: two devices that always run together are looked at apart once in some hundreds of runs. */
const FADING: Ratio = 0.998;
/** Spread that a slope needs to count for half. Units: squared devices. */
const SPREAD_HALF = 0.5;
/** Runs beside others after which a device wants to run alone, and the spread that one or two such runs give. */
const BESIDE_MIN = 4;
const SPREAD_KNOWN = 1;
/** No device more slows a run down by more. */
const SHARE_MAX: Ratio = 2;
/** A run counts as at most so many times its kind's mean, as in histories. */
const GROWTH_MAX: Ratio = 3;

export function createContention({ devices }: DataflowRack): Contention {
  const machines = devices.reduce((most, { machine = -1 }) => Math.max(most, machine + 1), 0);
  return {
    machineOf: Int32Array.from(devices, ({ machine = -1 }) => machine),
    running: new Float64Array(machines),
    runningNs: new Float64Array(machines),
    countedUntil: new Float64Array(machines),
    spread: new Float64Array(devices.length),
    slope: new Float64Array(devices.length),
    share: new Float64Array(devices.length),
    beside: new Float64Array(devices.length),
  };
}

/** A device begins (`by` 1) or ends (-1) a run. */
export function countRunning(
  contention: Contention,
  device: DeviceId,
  { by, now }: { readonly by: 1 | -1; readonly now: Nanoseconds },
): void {
  const machine = contention.machineOf[device]!;
  if (machine < 0) return;
  advance(contention, machine, now);
  contention.running[machine]! += by;
}

/** Devices of the machine that ran so far, summed over time; a run keeps it from its start. */
export function runningNsOf(contention: Contention, device: DeviceId, now: Nanoseconds): Nanoseconds {
  const machine = contention.machineOf[device]!;
  if (machine < 0) return 0;
  advance(contention, machine, now);
  return contention.runningNs[machine]!;
}

function advance({ running, runningNs, countedUntil }: Contention, machine: number, now: Nanoseconds): void {
  runningNs[machine]! += running[machine]! * Math.max(0, now - countedUntil[machine]!);
  countedUntil[machine] = now;
}

/** Takes in a run: its time over its kind's mean before it, and the others that ran meanwhile beside the mean of those. */
export function recordShared(
  contention: Contention,
  device: DeviceId,
  run: { readonly timeOverMean: Ratio; readonly others: number; readonly meanOthers: number },
): void {
  const { spread, slope, share, beside } = contention;
  if (run.others >= 0.5) beside[device]!++;
  const off = run.others - run.meanOthers;
  spread[device] = FADING * spread[device]! + off * off;
  slope[device] = FADING * slope[device]! + off * (Math.min(run.timeOverMean, GROWTH_MAX) - 1);
  // The line goes through the mean, where it is 1: the share is its rise over what it is where nothing else runs.
  const rise = Math.max(0, slope[device]! / (spread[device]! + SPREAD_HALF));
  const alone = 1 - rise * run.meanOthers;
  share[device] = alone <= rise / SHARE_MAX ? SHARE_MAX : rise / alone;
}

/** Whether it is not known what others take from a device, because they always ran beside it. */
export function wantsAlone({ beside, spread }: Contention, device: DeviceId): boolean {
  return beside[device]! >= BESIDE_MIN && spread[device]! < SPREAD_KNOWN;
}

/** What a mean of runs beside `meanOthers` is beside `others`. */
export function sharedRatio(
  { share }: Contention,
  device: DeviceId,
  beside: { readonly others: number; readonly meanOthers: number },
): Ratio {
  const each = share[device]!;
  return (1 + each * beside.others) / (1 + each * beside.meanOthers);
}

/** The part of a device's progress that one running device more takes. */
export function lossOf({ share }: Contention, device: DeviceId, others: number): Ratio {
  const each = share[device]!;
  return each / (1 + each * (others + 1));
}
