import { planted } from "../../base/planted-fault.ts";
import { mix32 } from "../../base/prng.ts";
import type { Nanoseconds, Ratio } from "../../base/units.ts";
import {
  chooseWay,
  chosenNs,
  createWayRecord,
  MIXED,
  medianNs,
  ratioOf,
  recordWay,
  WARM_TIMES,
  type WayChoice,
  wayOn,
} from "../../policy/way-choice.ts";
import type { Bout, BoutKind, BoutRecord } from "./bout-state.ts";
import { NONE } from "./dataflow-state.ts";
import type { DeviceId, TaskId, TaskSpec } from "./dataflow-types.ts";
import type { Flow } from "./flow.ts";
import { historyOf, predictUnitNs } from "./histories.ts";

/** Beginnings that are remembered. */
const KNOWN_MAX = 64;
const TASKS_MAX = 16_384;
const KINDS_MAX = 64;
/**
 * A device is tried alone where its own runs are predicted to take at most so many times the best makespan so far. True times would need no more than 1: it cannot be done before they are. But
 * histories of runs beside others say too much: in 2 of 24 simulated racks up to 1.35 times what such runs take alone.
 */
const ALONE_OVER_BEST_MAX: Ratio = 1.5;
/** Devices that are tried alone: those that would be quickest. */
const ALONE_MAX = 4;
const FOOTPRINTS_MAX = 67_108_864;
/** Tasks that a bout may have more or less than another one to be taken for nearly the same. */
const NEARLY: Ratio = 0.2;
/** So many in a row that are only nearly the same, and the next one is learned as another. */
const UNLIKE_MAX = 3;

/** Tasks come while nothing is pending. Before they are taken, it is decided which way they go. */
export function beginBout(flow: Flow, first: TaskId, tasks: readonly TaskSpec[]): void {
  const { bouts, pending, fetches } = flow.state;
  // A joule has a price: time is not all that counts.
  if (flow.config.compareWays !== true || flow.config.policy.energyNsPerJoule > 0) return;
  if (bouts.current !== undefined || pending > 0 || fetches.size > 0) return;
  const key = contentOf(tasks);
  const record = bouts.known.get(key);
  const choice = record === undefined ? LEARNING : choose(flow, record);
  const device = record === undefined ? MIXED : record.ways.ways[choice.way]!.device;
  const made = { kinds: new Map(), content: 0, tasks: 0, spoilt: false, forgotten: false };
  bouts.current = { key, first, startedAt: flow.now, choice, device, ...made };
  if (record !== undefined) tell(flow, record, bouts.current);
}

const LEARNING: WayChoice = { way: 0, reason: "learning" };

/** Tasks were taken: they are part of the bout. */
export function joinBout(flow: Flow, tasks: readonly TaskSpec[]): void {
  const bout = flow.state.bouts.current;
  if (bout === undefined || bout.forgotten) return;
  bout.tasks += tasks.length;
  if (bout.tasks > TASKS_MAX || tasks.some(({ gang = 1, devices }) => gang > 1 || devices !== undefined)) {
    forget(bout);
    return;
  }
  bout.content = (bout.content + contentOf(tasks)) | 0;
  for (const { stage, footprint = 0, work = 1 } of tasks) {
    const key = stage * FOOTPRINTS_MAX + footprint;
    const kind = bout.kinds.get(key);
    if (kind === undefined) bout.kinds.set(key, { stage, footprint, work });
    else kind.work += work;
  }
  if (bout.kinds.size > KINDS_MAX) forget(bout);
}

function forget(bout: Bout): void {
  bout.forgotten = true;
  bout.kinds.clear();
}

/** The makespan of the bout under way will say nothing. */
export function spoilBout({ state: { bouts } }: Flow): void {
  if (bouts.current !== undefined) bouts.current.spoilt = true;
}

/** The one device that tasks are to go to now; NONE where they may go anywhere. */
export function boutDevice({ state: { bouts } }: Flow): DeviceId {
  return bouts.current === undefined || bouts.current.device === MIXED || planted("way-ignored") ? NONE : bouts.current.device;
}

/** Ends the bout where nothing is pending: what it took is learned. */
export function endBout(flow: Flow): void {
  const { bouts, pending, fetches } = flow.state;
  const bout = bouts.current;
  if (bout === undefined || pending > 0 || fetches.size > 0) return;
  bouts.current = undefined;
  if (bout.tasks === 0) return;
  const known = bouts.known.get(bout.key);
  bouts.known.delete(bout.key);
  if (bout.forgotten) return;
  const isSame = known?.content === bout.content;
  const record = known !== undefined && (isSame || isNearly(known, bout)) ? known : newRecord(bout);
  record.unlike = record === known && !isSame ? record.unlike + 1 : 0;
  bouts.known.set(bout.key, record);
  const oldest = bouts.known.keys().next().value;
  if (bouts.known.size > KNOWN_MAX && oldest !== undefined) bouts.known.delete(oldest);
  const mislaid = planted("way-mislaid") ? { ...bout.choice, way: 0 } : bout.choice;
  const way = record === known ? mislaid : LEARNING;
  const took = (flow.now - bout.startedAt) * (record === known && !isSame ? workOver(flow, known, bout) : 1);
  recordWay(record.ways, way, bout.spoilt ? undefined : took);
}

/** Predicted work of what is known over that of a bout that is nearly the same. */
function workOver(flow: Flow, { kinds }: BoutRecord, bout: Bout): Ratio {
  for (const device of flow.state.devices.keys()) {
    const ratio = aloneNs(flow, kinds, device) / aloneNs(flow, [...bout.kinds.values()], device);
    if (ratio > 0 && ratio < Infinity) return ratio;
  }
  return 1;
}

/** It began as the other one, and has nearly as many tasks; not so often in a row that the other one is a thing of the past. */
function isNearly({ tasks, unlike }: BoutRecord, bout: Bout): boolean {
  return unlike < UNLIKE_MAX && Math.abs(bout.tasks - tasks) <= NEARLY * tasks;
}

function newRecord({ content, tasks, kinds }: Bout): BoutRecord {
  return { content, tasks, unlike: 0, kinds: [...kinds.values()], ways: createWayRecord(), told: "" };
}

function choose(flow: Flow, { ways, kinds }: BoutRecord): WayChoice {
  if (ways.times === WARM_TIMES && ways.ways.length === 1) {
    const alone = flow.state.devices.map((_device, device) => ({ device, ns: aloneNs(flow, kinds, device) }));
    const able = alone.filter(({ ns }) => ns < Infinity).sort((a, b) => a.ns - b.ns || a.device - b.device);
    // With one device there is nothing to compare.
    if (flow.state.devices.length > 1) ways.ways.push(...able.slice(0, ALONE_MAX).map(({ device }) => wayOn(device)));
  }
  return chooseWay(ways, (device) => aloneNs(flow, kinds, device) <= ALONE_OVER_BEST_MAX * chosenNs(ways));
}

/**
 * What a device's runs of a bout take, with nothing beside them: it cannot be done with it sooner. Infinity where it cannot do all of it.
 */
function aloneNs(flow: Flow, kinds: readonly BoutKind[], device: DeviceId): Nanoseconds {
  const { devices, stages, histories } = flow.state;
  if (!devices[device]!.alive) return Infinity;
  let sum = 0;
  for (const { stage, footprint, work } of kinds) {
    const spec = stages.get(stage);
    let unitNs = Infinity;
    for (let variant = 0; variant < (spec?.variants.length ?? 0); variant++) {
      const { class: deviceClass, priorNs } = spec!.variants[variant]!;
      if (deviceClass !== flow.map.classOf[device]) continue;
      const history = historyOf(histories, { operator: spec!.operator, variant, footprint });
      unitNs = Math.min(unitNs, predictUnitNs(histories, history, { device, priorNs, others: 0 }));
    }
    sum += unitNs * work;
  }
  return sum;
}

/** Says which way a bout goes, where that is another one than before or for another reason. */
function tell(flow: Flow, record: BoutRecord, { key, first, choice, device }: Bout): void {
  const { ways } = record.ways;
  const told = `${device} ${choice.reason}`;
  if (ways.length < 2 || told === record.told) return;
  record.told = told;
  flow.commands.push({
    type: "way-chosen",
    bout: key,
    first,
    device,
    reason: choice.reason,
    ways: ways.map((way) => {
      const known = way.recentNs.length === 0 ? {} : { medianNs: medianNs(way), ratio: ratioOf(record.ways, way) };
      return { device: way.device, tries: way.tries, ...known };
    }),
  });
}

/** The same for the same tasks in any order, and almost never for others. */
function contentOf(tasks: readonly TaskSpec[]): number {
  let sum = 0;
  for (const { stage, footprint = 0, work = 1, priority = 0 } of tasks)
    sum = (sum + mix32(mix32(mix32(mix32(stage + 1) + footprint) + Math.round(work * WORK_STEPS)) + priority)) | 0;
  return sum;
}

const WORK_STEPS = 4096;
