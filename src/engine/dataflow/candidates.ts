import { HeddleError } from "../../base/heddle-error.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { CountedList } from "../../policy/batching.ts";
import { type Arrivals, createArrivals } from "./arrivals.ts";
import { othersFrom, priceBurdens, startOf } from "./burden.ts";
import type { Candidate } from "./candidate.ts";
import { NONE, type Task } from "./dataflow-state.ts";
import type { DeviceId, MemoryId, StageId, StageSpec } from "./dataflow-types.ts";
import { type Flow, taskBy, valueBy } from "./flow.ts";
import { basisOf, type History, historyOf, predictUnitNs, spentUnitNs } from "./histories.ts";
import { isBefore } from "./ready.ts";
import { loadNsOn } from "./residency.ts";

/** Looks a policy may take at each candidate. */
const LOOKS_MAX = 16;

/** Every living device, or one, with each of its variants that could run a task, priced. `now` and all times are predictions of the histories. */
export function candidatesFor(flow: Flow, task: Task, only: DeviceId = NONE): Candidate[] {
  const stage = flow.state.stages.get(task.stage)!;
  const arrivals = createArrivals(flow, task);
  let count = 0;
  for (let variant = 0; variant < stage.variants.length; variant++) {
    const spec = stage.variants[variant]!;
    const history = historyOf(flow.state.histories, { operator: stage.operator, variant, footprint: task.footprint });
    const at = { device: NONE, priorNs: spec.priorNs, others: 0 };
    const pricing: Pricing = { task, device: NONE, stage, variant, history, arrivals, at, loaded: { stage: stage.stage, variant } };
    for (const device of flow.map.devicesOfClass[spec.class] ?? []) {
      if (only !== NONE && device !== only) continue;
      if (!flow.state.devices[device]!.alive || (task.devices !== undefined && !task.devices.includes(device))) continue;
      pricing.device = device;
      if (!fits(flow, task, pricing)) continue;
      const into = flow.candidates[count] ?? emptyCandidate();
      flow.candidates[count++] = into;
      price(flow, into, pricing);
    }
  }
  const candidates = flow.candidates.slice(0, count);
  priceBurdens(flow, candidates);
  return candidates;
}

interface Option {
  readonly device: DeviceId;
  readonly stage: StageSpec;
  readonly variant: number;
}

/** What an option is priced from: one object for all devices, because a decision prices them all and each object is one more for the collector. */
interface Pricing extends Option {
  device: DeviceId;
  readonly task: Task;
  readonly history: History;
  readonly arrivals: Arrivals;
  /** What a run is predicted from, filled in for each device. */
  readonly at: { device: DeviceId; readonly priorNs: Nanoseconds | undefined; others: number };
  readonly loaded: { readonly stage: StageId; readonly variant: number };
}

/** Prices an option into `into`, an object used again for every decision. */
function price(flow: Flow, into: Candidate, given: Pricing): void {
  const { task, device, stage, variant, history, arrivals, at, loaded } = given;
  const { histories, devices } = flow.state;
  const { class: deviceClass, joules = 0 } = stage.variants[variant]!;
  const { queue, gangs } = devices[device]!;
  into.device = device;
  into.class = deviceClass;
  into.variant = variant;
  into.deviceReadyAt = readyAt(flow, device, task);
  into.dataReadyAt = arrivals.readyAt(flow.map.memoryOf[device]!);
  into.movedNs = arrivals.moved[flow.map.memoryOf[device]!]!;
  into.loadNs = loadNsOn(flow, device, loaded);
  into.spentNs = into.loadNs > 0 && stays(flow, deviceClass) ? spentUnitNs(history) * task.work : 0;
  into.others = histories.contention.machineOf[device]! < 0 ? 0 : othersFrom(flow, device, { startsAt: startOf(into) });
  at.device = device;
  at.others = into.others;
  into.runNs = predictUnitNs(histories, history, at) * task.work;
  into.joules = joules * task.work;
  into.basis = basisOf(histories, history, at);
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
