import { HeddleError } from "../../base/heddle-error.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { CountedList } from "../../policy/batching.ts";
import type { CandidateView } from "../../policy/dataflow-policy.ts";
import { NONE, type Storage, type Task, type Value } from "./dataflow-state.ts";
import { type DeviceId, HOME, type MemoryId, type StageSpec } from "./dataflow-types.ts";
import { type Flow, storageBy, taskBy, valueBy } from "./flow.ts";
import { basisOf, type History, historyOf, predictUnitNs } from "./histories.ts";
import { instanceAt } from "./instances.ts";
import { predictTransferNs } from "./link-model.ts";
import { linkFreeAt } from "./moves.ts";
import { linkFrom } from "./rack-map.ts";
import { isBefore } from "./ready.ts";
import { loadNsOn } from "./residency.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };
export type Candidate = Writable<CandidateView>;

/** Looks a policy may take at each candidate. */
const LOOKS_MAX = 16;

/** Every living device with each of its variants that could run a task, priced. `now` and all times are predictions of the histories. */
export function candidatesFor(flow: Flow, task: Task): Candidate[] {
  const stage = flow.state.stages.get(task.stage)!;
  const arrivals = createArrivals(flow, task);
  const candidates: Candidate[] = [];
  for (let variant = 0; variant < stage.variants.length; variant++) {
    const spec = stage.variants[variant]!;
    const history = historyOf(flow.state.histories, { operator: stage.operator, variant, footprint: task.footprint });
    for (const device of flow.map.devicesOfClass[spec.class] ?? []) {
      if (!flow.state.devices[device]!.alive || (task.devices !== undefined && !task.devices.includes(device))) continue;
      if (!fits(flow, task, { device, stage, variant })) continue;
      candidates.push(priced(flow, task, { device, stage, variant, history, dataReadyAt: arrivals(flow.map.memoryOf[device]!) }));
    }
  }
  return candidates;
}

interface Option {
  readonly device: DeviceId;
  readonly stage: StageSpec;
  readonly variant: number;
}

function priced(flow: Flow, task: Task, option: Option & { readonly history: History; readonly dataReadyAt: Nanoseconds }): Candidate {
  const { device, stage, variant, history, dataReadyAt } = option;
  const { histories, devices } = flow.state;
  const { priorNs, class: deviceClass, joules = 0 } = stage.variants[variant]!;
  return {
    device,
    class: deviceClass,
    variant,
    deviceReadyAt: readyAt(flow, device, task),
    dataReadyAt,
    loadNs: loadNsOn(flow, device, { stage: stage.stage, variant }),
    runNs: predictUnitNs(histories, history, { device, priorNs }) * task.work,
    joules: joules * task.work,
    basis: basisOf(histories, history, { device, priorNs }),
    samples: history.count[device]!,
    samplesUnderWay: history.underWay[device]!,
    failedBefore: task.failedOn.includes(device),
    full: devices[device]!.queue.length + devices[device]!.gangs.length >= flow.config.limits.queueDepth,
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
  if (one.staged !== NONE) at += taskBy(flow, one.staged).predictedNs;
  for (const gang of one.gangs) if (gang !== one.staged) at += taskBy(flow, gang).predictedNs;
  const { queue } = one;
  // Most urgent first: what comes after the task does not count.
  for (let i = 0; i < queue.length; i++) {
    const ahead = taskBy(flow, queue[i]!);
    if (isBefore(task, ahead)) break;
    at += ahead.predictedNs;
  }
  return at;
}

/** When a task's inputs could be in a memory, asked once a memory: transfers over one channel take turns, those under way first. */
function createArrivals(flow: Flow, task: Task): (memory: MemoryId) => Nanoseconds {
  const inputs: { readonly value: Value; readonly storage: Storage }[] = [];
  for (const { input } of task.uses) {
    if (input === NONE) continue;
    const value = valueBy(flow, input);
    inputs.push({ value, storage: storageBy(flow, value.storage) });
  }
  const known: Nanoseconds[] = [];
  return (memory) => {
    const before = known[memory];
    if (before !== undefined) return before;
    let last = flow.now;
    let queuedNs = 0;
    for (const { value, storage } of inputs) {
      const there = instanceAt(storage, memory);
      if (there !== undefined && there.version >= value.version) continue;
      if (there !== undefined && there.arriving !== NONE) {
        const transfer = flow.state.transfers.get(there.arriving);
        if (transfer !== undefined) last = Math.max(last, linkFreeAt(flow, transfer.link));
        continue;
      }
      let soonest = Infinity;
      let soonestNs = 0;
      for (const source of storage.instances) {
        if (source.version < value.version) continue;
        const link = linkFrom(flow.map, source.memory, memory);
        const takesNs =
          link < 0
            ? overHomeNs(flow, source.memory, { memory, bytes: value.bytes })
            : predictTransferNs(flow.state.links[link]!, value.bytes);
        const startsAt = link < 0 ? flow.now : linkFreeAt(flow, link);
        if (startsAt + takesNs >= soonest) continue;
        soonest = startsAt + takesNs;
        soonestNs = takesNs;
      }
      if (soonest === Infinity) continue;
      last = Math.max(last, soonest + queuedNs);
      queuedNs += soonestNs;
    }
    known[memory] = last;
    return last;
  };
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
