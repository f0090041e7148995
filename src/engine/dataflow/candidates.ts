import { HeddleError } from "../../base/heddle-error.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { CountedList } from "../../policy/batching.ts";
import { othersFrom, priceBurdens, startOf } from "./burden.ts";
import type { Candidate } from "./candidate.ts";
import { NONE, type Storage, type Task, type Value } from "./dataflow-state.ts";
import { type DeviceId, HOME, type MemoryId, type StageSpec } from "./dataflow-types.ts";
import { type Flow, storageBy, taskBy, valueBy } from "./flow.ts";
import { basisOf, type History, historyOf, predictUnitNs, spentUnitNs } from "./histories.ts";
import { instanceAt } from "./instances.ts";
import { predictTransferNs } from "./link-model.ts";
import { linkFreeAt } from "./moves.ts";
import { linkFrom } from "./rack-map.ts";
import { isBefore } from "./ready.ts";
import { loadNsOn } from "./residency.ts";

/** Instances that an estimate looks at as sources of a transfer; keeps its cost flat where a value is everywhere. */
const SOURCES_MAX = 3;

/** Looks a policy may take at each candidate. */
const LOOKS_MAX = 16;

/** Every living device, or one, with each of its variants that could run a task, priced. `now` and all times are predictions of the histories. */
export function candidatesFor(flow: Flow, task: Task, only: DeviceId = NONE): Candidate[] {
  const stage = flow.state.stages.get(task.stage)!;
  const arrivals = createArrivals(flow, task);
  const candidates: Candidate[] = [];
  for (let variant = 0; variant < stage.variants.length; variant++) {
    const spec = stage.variants[variant]!;
    const history = historyOf(flow.state.histories, { operator: stage.operator, variant, footprint: task.footprint });
    for (const device of flow.map.devicesOfClass[spec.class] ?? []) {
      if (only !== NONE && device !== only) continue;
      if (!flow.state.devices[device]!.alive || (task.devices !== undefined && !task.devices.includes(device))) continue;
      if (!fits(flow, task, { device, stage, variant })) continue;
      const into = flow.candidates[candidates.length] ?? emptyCandidate();
      flow.candidates[candidates.length] = into;
      price(flow, into, { task, device, stage, variant, history, arrivals });
      candidates.push(into);
    }
  }
  priceBurdens(flow, candidates);
  return candidates;
}

interface Option {
  readonly device: DeviceId;
  readonly stage: StageSpec;
  readonly variant: number;
}

interface Pricing extends Option {
  readonly task: Task;
  readonly history: History;
  readonly arrivals: Arrivals;
}

/** Prices an option into `into`, an object used again for every decision. */
function price(flow: Flow, into: Candidate, given: Pricing): void {
  const { task, device, stage, variant, history, arrivals } = given;
  const { histories, devices } = flow.state;
  const { priorNs, class: deviceClass, joules = 0 } = stage.variants[variant]!;
  const { queue, gangs } = devices[device]!;
  into.device = device;
  into.class = deviceClass;
  into.variant = variant;
  into.deviceReadyAt = readyAt(flow, device, task);
  into.dataReadyAt = arrivals.readyAt(flow.map.memoryOf[device]!);
  into.movedNs = arrivals.moved[flow.map.memoryOf[device]!]!;
  into.loadNs = loadNsOn(flow, device, { stage: stage.stage, variant });
  into.spentNs = into.loadNs > 0 && stays(flow, deviceClass) ? spentUnitNs(history) * task.work : 0;
  into.others = othersFrom(flow, device, { startsAt: startOf(into) });
  into.runNs = predictUnitNs(histories, history, { device, priorNs, others: into.others }) * task.work;
  into.joules = joules * task.work;
  into.basis = basisOf(histories, history, { device, priorNs });
  into.samples = history.count[device]!;
  into.samplesUnderWay = history.underWay[device]!;
  into.failedBefore = task.failedOn.includes(device);
  into.full = queue.length + gangs.length >= flow.config.limits.queueDepth && !isDue(flow, task, device);
}

/** A task that is scheduled there passes those that are less urgent, so that they do not shut it out. */
function isDue(flow: Flow, task: Task, device: DeviceId): boolean {
  const { queue, gangs } = flow.state.devices[device]!;
  const last = queue[flow.config.limits.queueDepth - 1 - gangs.length];
  return task.scheduledOn === device && last !== undefined && isBefore(task, taskBy(flow, last));
}

/** What is loaded is loaded once. */
function stays(flow: Flow, deviceClass: number): boolean {
  const { residentMax, residentBytesMax } = flow.config.rack.classes[deviceClass]!;
  return residentMax === undefined && residentBytesMax === undefined;
}

function emptyCandidate(): Candidate {
  return {
    device: NONE,
    class: NONE,
    variant: 0,
    deviceReadyAt: 0,
    dataReadyAt: 0,
    movedNs: 0,
    loadNs: 0,
    spentNs: 0,
    runNs: 0,
    burdenNs: 0,
    elsewhereNs: Infinity,
    joules: 0,
    basis: "guess",
    samples: 0,
    samplesUnderWay: 0,
    failedBefore: false,
    full: false,
    others: 0,
  };
}

/** Whether the device's memory could hold all the task touches, were it empty. */
function fits(flow: Flow, task: Task, { device, stage, variant }: Option): boolean {
  const { capacity } = flow.state.memories[flow.map.memoryOf[device]!]!;
  const { weightBytes, class: deviceClass } = stage.variants[variant]!;
  if (weightBytes > (flow.config.rack.classes[deviceClass]!.residentBytesMax ?? Infinity)) return false;
  if (capacity === Infinity) return true;
  const members = task.gang === 1 ? 1 : membersIn(flow, flow.map.memoryOf[device]!, { class: deviceClass, gang: task.gang });
  let bytes = members * weightBytes;
  for (const { input, output, bytesMax } of task.uses) {
    if (input !== NONE) bytes += valueBy(flow, input).bytes;
    if (output !== NONE) bytes += bytesMax;
  }
  return bytes <= capacity;
}

/** Members of a gang that could share a memory: each holds the weights. */
export function membersIn(flow: Flow, memory: MemoryId, gang: { readonly class: number; readonly gang: number }): number {
  let alike = 0;
  for (const device of flow.map.devicesOfMemory[memory]!) if (flow.map.classOf[device] === gang.class) alike++;
  return Math.min(alike, gang.gang);
}

/** When the device has done what runs there and what goes before the task. */
export function readyAt(flow: Flow, device: DeviceId, task: Task): Nanoseconds {
  const one = flow.state.devices[device]!;
  let at = one.run === NONE && one.load === NONE ? flow.now : Math.max(flow.now, one.busyUntil);
  const staged = one.staged === NONE ? undefined : taskBy(flow, one.staged);
  if (staged !== undefined && (staged.gang > 1 || !isBefore(task, staged))) at += staged.predictedNs;
  for (const gang of one.gangs) if (gang !== one.staged) at += taskBy(flow, gang).predictedNs;
  const { queue } = one;
  // Most urgent first: what comes after the task does not count.
  const last = queue.length === 0 ? undefined : taskBy(flow, queue[queue.length - 1]!);
  if (last === undefined || !isBefore(task, last)) return at + one.queuedNs;
  for (let i = 0; i < queue.length; i++) {
    const ahead = taskBy(flow, queue[i]!);
    if (isBefore(task, ahead)) break;
    at += ahead.predictedNs;
  }
  return at;
}

/** A task's inputs on their way to a memory. */
export interface Arrivals {
  /** When the last could be there. */
  readyAt(memory: MemoryId): Nanoseconds;
  /** By memory, once it was asked for: what copying those takes that only other devices have. */
  readonly moved: readonly Nanoseconds[];
}

/** Worked out once a memory: transfers over one channel take turns, those under way first. */
export function createArrivals(flow: Flow, task: Task): Arrivals {
  const inputs: { readonly value: Value; readonly storage: Storage; readonly there: Uint8Array }[] = [];
  for (const { input } of task.uses) {
    if (input === NONE) continue;
    const value = valueBy(flow, input);
    const storage = storageBy(flow, value.storage);
    inputs.push({ value, storage, there: whereIs(flow, value, storage) });
  }
  const known: Nanoseconds[] = [];
  const moved: Nanoseconds[] = [];
  const readyAt = (memory: MemoryId): Nanoseconds => {
    const before = known[memory];
    if (before !== undefined) return before;
    let last = flow.now;
    let queuedNs = 0;
    let movedNs = 0;
    for (const { value, storage, there } of inputs) {
      if (there[memory] === HERE) continue;
      if (there[memory] === COMING) {
        const transfer = flow.state.transfers.get(instanceAt(storage, memory)?.arriving ?? NONE);
        if (transfer !== undefined) last = Math.max(last, linkFreeAt(flow, transfer.link));
        continue;
      }
      let soonest = Infinity;
      let soonestNs = 0;
      let isHome = false;
      const { instances } = storage;
      let looked = 0;
      for (let i = 0; i < instances.length && looked < SOURCES_MAX; i++) {
        const source = instances[i]!;
        if (source.version < value.version) continue;
        looked++;
        const link = linkFrom(flow.map, source.memory, memory);
        const takesNs =
          link < 0
            ? overHomeNs(flow, source.memory, { memory, bytes: value.bytes })
            : predictTransferNs(flow.state.links[link]!, value.bytes);
        const startsAt = link < 0 ? flow.now : linkFreeAt(flow, link);
        if (startsAt + takesNs >= soonest) continue;
        soonest = startsAt + takesNs;
        soonestNs = takesNs;
        isHome = source.memory === HOME;
      }
      if (soonest === Infinity) continue;
      last = Math.max(last, soonest + queuedNs);
      queuedNs += soonestNs;
      if (!isHome) movedNs += soonestNs;
    }
    known[memory] = last;
    moved[memory] = movedNs;
    return last;
  };
  return { readyAt, moved };
}

const HERE = 1;
const COMING = 2;

/** By memory. */
function whereIs(flow: Flow, value: Value, { instances }: Storage): Uint8Array {
  const there = new Uint8Array(flow.map.memories);
  for (let i = 0; i < instances.length; i++) {
    const { memory, version, arriving } = instances[i]!;
    if (version >= value.version) there[memory] = HERE;
    else if (arriving !== NONE) there[memory] = COMING;
  }
  return there;
}

function overHomeNs(flow: Flow, source: MemoryId, to: { readonly memory: MemoryId; readonly bytes: number }): Nanoseconds {
  const up = linkFrom(flow.map, source, HOME);
  const down = linkFrom(flow.map, HOME, to.memory);
  return predictTransferNs(flow.state.links[up]!, to.bytes) + predictTransferNs(flow.state.links[down]!, to.bytes);
}

/** A list that ends the turn of a policy that looks without end. */
export function counted<T>(items: readonly T[]): CountedList<T> {
  let left = (items.length + 1) * LOOKS_MAX;
  return {
    length: items.length,
    at: (index) => {
      const item = items[index];
      if (--left < 0 || item === undefined) throw new HeddleError("internal", { detail: "a policy looked too often, or beside the list" });
      return item;
    },
  };
}
