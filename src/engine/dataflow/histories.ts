import type { Nanoseconds } from "../../base/units.ts";
import type { PredictionBasis } from "../../policy/dataflow-policy.ts";
import { type Contention, createContention, recordShared, sharedRatio } from "./contention.ts";
import type { DataflowRack, DeviceId, StageSpec, VariantSpec } from "./dataflow-types.ts";

/**
 * What runs took, by operator class, variant, device and footprint; a unit of work each.
 *
 * Model: mean and variance with weights that fall off, so that a device that changes its speed is followed within some eight runs. The first run of a kind
 * on a device finds everything cold: it stands until there is a second, or a like device knows better. One run that takes far longer than all before counts in part. Where a device was
 * not measured, a like device stands in; then the prior times what this device, or the others of its class, took of their priors; then a guess.
 */
export interface Histories {
  readonly devices: number;
  readonly classOf: Int32Array;
  /** Operator and variant, then footprint. */
  readonly tables: Map<number, Map<number, History>>;
  /** Measured / prior, by device and by class. */
  readonly ratio: Float64Array;
  readonly ratioCount: Float64Array;
  readonly classRatio: Float64Array;
  readonly classRatioCount: Float64Array;
  readonly contention: Contention;
}

export interface History {
  readonly count: Float64Array;
  readonly meanNs: Float64Array;
  readonly variance: Float64Array;
  /** Devices of the machine that ran beside these runs, in the mean. */
  readonly meanOthers: Float64Array;
  /** Runs under way. */
  readonly underWay: Float64Array;
  readonly classCount: Float64Array;
  readonly classMeanNs: Float64Array;
}

/** Runs after which older ones fade. */
const MEMORY_RUNS = 8;
/**
 * A run counts as at most so many times the mean before it: the machine did something else. A device that is really so slow is known after a few.
 *
 * Why: of 1,441 runs of a small model on a busy machine 9 % took over three times their kind's median, and two in three of those came alone.
 */
const GROWTH_MAX = 3;
/** Where nothing is known at all. */
const GUESS_NS = 1_000_000;
const VARIANTS_MAX = 1024;

export function createHistories(rack: DataflowRack): Histories {
  const classes = rack.classes.length;
  const devices = rack.devices.length;
  return {
    devices,
    classOf: Int32Array.from(rack.devices, (device) => device.class),
    tables: new Map(),
    ratio: new Float64Array(devices),
    ratioCount: new Float64Array(devices),
    classRatio: new Float64Array(classes),
    classRatioCount: new Float64Array(classes),
    contention: createContention(rack),
  };
}

/** The history of a stage's variant at a footprint; made where there is none. */
export function historyOf(
  histories: Histories,
  kind: { readonly operator: number; readonly variant: number; readonly footprint: number },
): History {
  const key = kind.operator * VARIANTS_MAX + kind.variant;
  let table = histories.tables.get(key);
  if (table === undefined) {
    table = new Map();
    histories.tables.set(key, table);
  }
  let history = table.get(kind.footprint);
  if (history === undefined) {
    history = createHistory(histories.devices, histories.classRatio.length);
    table.set(kind.footprint, history);
  }
  return history;
}

function createHistory(devices: number, classes: number): History {
  return {
    count: new Float64Array(devices),
    meanNs: new Float64Array(devices),
    variance: new Float64Array(devices),
    meanOthers: new Float64Array(devices),
    underWay: new Float64Array(devices),
    classCount: new Float64Array(classes),
    classMeanNs: new Float64Array(classes),
  };
}

/** Takes in a measured run, per unit of work. `others`: devices of the machine that ran meanwhile, in the mean. */
export function recordRun(
  histories: Histories,
  history: History,
  run: { device: DeviceId; unitNs: Nanoseconds; priorNs: number | undefined; others?: number },
): void {
  const { device, unitNs, priorNs, others = 0 } = run;
  const deviceClass = histories.classOf[device]!;
  history.count[device]!++;
  const warm = history.count[device]! - 1;
  const gain = 1 / Math.min(Math.max(1, warm), MEMORY_RUNS);
  const countedNs = warm < 2 ? unitNs : Math.min(unitNs, GROWTH_MAX * history.meanNs[device]!);
  const meanOthers = history.meanOthers[device]!;
  if (warm >= 2) recordShared(histories.contention, device, { timeOverMean: unitNs / history.meanNs[device]!, others, meanOthers });
  history.meanOthers[device]! += gain * (others - meanOthers);
  const off = countedNs - history.meanNs[device]!;
  history.meanNs[device]! += gain * off;
  history.variance[device]! = (1 - gain) * (history.variance[device]! + gain * off * off);
  learn(history.classCount, history.classMeanNs, { at: deviceClass, sample: countedNs, warm });
  if (priorNs === undefined || priorNs <= 0) return;
  learn(histories.ratioCount, histories.ratio, { at: device, sample: countedNs / priorNs, warm });
  learn(histories.classRatioCount, histories.classRatio, { at: deviceClass, sample: countedNs / priorNs, warm });
}

/** A cold sample counts only where there is nothing else, and until there is. */
function learn(
  counts: Float64Array,
  means: Float64Array,
  given: { readonly at: number; readonly sample: number; readonly warm: number },
): void {
  const { at, sample, warm } = given;
  if (warm === 0 && counts[at]! > 0) return;
  counts[at]!++;
  means[at]! += (sample - means[at]!) / Math.min(Math.max(1, counts[at]! - 1), MEMORY_RUNS);
}

/** Predicted run of a unit of work on a device. `others`: devices of the machine that run beside it; absent: as many as did so far. */
export function predictUnitNs(
  histories: Histories,
  history: History,
  at: { device: DeviceId; priorNs: number | undefined; others?: number },
): Nanoseconds {
  const { device, priorNs, others } = at;
  if (history.count[device]! > 0) {
    const meanNs = warmNs(histories, history, device);
    if (others === undefined) return meanNs;
    return meanNs * sharedRatio(histories.contention, device, { others, meanOthers: history.meanOthers[device]! });
  }
  const deviceClass = histories.classOf[device]!;
  if (history.classCount[deviceClass]! > 0) return history.classMeanNs[deviceClass]!;
  if (priorNs === undefined) return guess(history);
  if (histories.ratioCount[device]! > 0) return priorNs * histories.ratio[device]!;
  return histories.classRatioCount[deviceClass]! > 0 ? priorNs * histories.classRatio[deviceClass]! : priorNs;
}

/**
 * A device's mean; where it had only its first run, which finds everything cold, no more than runs of its class take that were warm.
 *
 * Why: of two equal cores one had made keys and values of a text once, in 46 ms, and the other 27 times, in 9: the first was never asked again.
 */
function warmNs({ classOf }: Histories, { count, meanNs, classCount, classMeanNs }: History, device: DeviceId): Nanoseconds {
  const deviceClass = classOf[device]!;
  const measuredNs = meanNs[device]!;
  return count[device] === 1 && classCount[deviceClass]! > 1 ? Math.min(measuredNs, classMeanNs[deviceClass]!) : measuredNs;
}

/** Time of all runs so far, on all devices, of a unit of work each. */
export function spentUnitNs({ count, meanNs }: History): Nanoseconds {
  let sum = 0;
  for (let device = 0; device < count.length; device++) sum += count[device]! * meanNs[device]!;
  return sum;
}

export function basisOf(histories: Histories, history: History, at: { device: DeviceId; priorNs: number | undefined }): PredictionBasis {
  if (history.count[at.device]! > 0) return "measured";
  if (history.classCount[histories.classOf[at.device]!]! > 0) return "like-device";
  return at.priorNs === undefined ? "guess" : "prior";
}

/** Other classes' mean, for want of better. */
function guess(history: History): Nanoseconds {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < history.classCount.length; i++) {
    if (history.classCount[i] === 0) continue;
    sum += history.classMeanNs[i]!;
    count++;
  }
  return count === 0 ? GUESS_NS : sum / count;
}

/** What a unit of a stage takes on the class that is fastest for it: what it takes before it is known where it goes. */
export function typicalNs(histories: Histories, stage: StageSpec, footprint: number): Nanoseconds {
  let least = Infinity;
  for (let variant = 0; variant < stage.variants.length; variant++) {
    const spec = stage.variants[variant]!;
    const history = historyOf(histories, { operator: stage.operator, variant, footprint });
    least = Math.min(least, classNs(histories, history, spec));
  }
  return least === Infinity ? 0 : least;
}

function classNs(histories: Histories, history: History, { class: deviceClass, priorNs }: VariantSpec): Nanoseconds {
  if (history.classCount[deviceClass]! > 0) return history.classMeanNs[deviceClass]!;
  if (priorNs === undefined) return guess(history);
  return priorNs * (histories.classRatioCount[deviceClass]! > 0 ? histories.classRatio[deviceClass]! : 1);
}
