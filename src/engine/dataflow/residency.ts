import { must } from "../../base/assert.ts";
import { planted } from "../../base/planted-fault.ts";
import type { Bytes, Nanoseconds } from "../../base/units.ts";
import { spoilBout } from "./bouts.ts";
import { type Device, NONE, type Resident, type Task } from "./dataflow-state.ts";
import type { DeviceId, LoadId, StageId } from "./dataflow-types.ts";
import type { Flow } from "./flow.ts";
import { giveBack } from "./instances.ts";

const VARIANTS_MAX = 1024;

export function residentKey(stage: StageId, variant: number): number {
  return stage * VARIANTS_MAX + variant;
}

/** Predicted time to load a stage on a device behind what is assigned to it; 0 where it will be loaded by then. */
export function loadNsOn(flow: Flow, device: DeviceId, what: { readonly stage: StageId; readonly variant: number }): Nanoseconds {
  const { loadNs, compileNs } = variantOf(flow, what);
  if (loadNs === 0 && compileNs === 0) return 0;
  const one = flow.state.devices[device]!;
  const key = residentKey(what.stage, what.variant);
  const limited = flow.config.rack.classes[flow.map.classOf[device]!]!.residentMax !== undefined;
  const there = limited && one.lastAssigned !== NONE ? one.lastAssigned === key : one.residents.has(key) || one.lastAssigned === key;
  return there ? 0 : expectedLoadNs(flow, device, what);
}

export function variantOf(flow: Flow, { stage, variant }: { readonly stage: StageId; readonly variant: number }) {
  return must(flow.state.stages.get(stage)?.variants[variant], "a placed task's variant exists");
}

/**
 * Bytes the device's memory must still have for a task's stage to be resident, after unloading what is unused and over the class's limits;
 * `undefined` while what is in use leaves no room.
 */
export function roomForResident(flow: Flow, device: DeviceId, task: Task): Bytes | undefined {
  const one = flow.state.devices[device]!;
  if (one.residents.has(residentKey(task.stage, task.variant))) return 0;
  const { weightBytes } = variantOf(flow, task);
  if (planted("residency-overcommit")) return weightBytes;
  const { residentMax = Infinity, residentBytesMax = Infinity } = flow.config.rack.classes[flow.map.classOf[device]!]!;
  while (one.residents.size + 1 > residentMax || one.residentBytes + weightBytes > residentBytesMax) {
    if (!unloadOne(flow, device, task)) return undefined;
  }
  return weightBytes;
}

/** Unloads the least recently used executable that nothing needs, `task` included; false where there is none. */
export function unloadOne(flow: Flow, device: DeviceId, task: Task): boolean {
  const one = flow.state.devices[device]!;
  for (const [key, resident] of one.residents) {
    if (resident.uses > 0 || !resident.loaded || (resident.stage === task.stage && task.placed.includes(device))) continue;
    one.residents.delete(key);
    one.residentBytes -= resident.bytes;
    flow.commands.push({ type: "unload", device, stage: resident.stage, variant: resident.variant });
    giveBack(flow, flow.map.memoryOf[device]!, resident.bytes);
    return true;
  }
  return false;
}

/** Takes the place of a task's stage on a device; it is loaded when the device is idle. */
export function takeResident(flow: Flow, device: DeviceId, task: Task): void {
  const one = flow.state.devices[device]!;
  const key = residentKey(task.stage, task.variant);
  let resident = one.residents.get(key);
  if (resident === undefined) {
    const bytes = variantOf(flow, task).weightBytes;
    resident = { stage: task.stage, variant: task.variant, bytes, member: memberOn(task, device), loaded: false, uses: 0 };
    one.residentBytes += bytes;
    flow.state.memories[flow.map.memoryOf[device]!]!.used += bytes;
  } else one.residents.delete(key);
  // Last in the order of use.
  one.residents.set(key, resident);
  resident.uses++;
}

/** A task no longer needs its stage on the device. What was never loaded goes at once. */
export function leaveResident(flow: Flow, device: DeviceId, task: Task): void {
  const one = flow.state.devices[device]!;
  const key = residentKey(task.stage, task.variant);
  const resident = one.residents.get(key);
  if (resident === undefined) return;
  resident.uses--;
  if (resident.uses === 0 && !resident.loaded && !isLoading(flow, one, key)) forgetResident(flow, device, key);
  const memory = flow.map.memoryOf[device]!;
  if (flow.state.memories[memory]!.waiting.length > 0) flow.memoriesToLookAt.push(memory);
}

export function forgetResident(flow: Flow, device: DeviceId, key: number): void {
  const one = flow.state.devices[device]!;
  const resident = one.residents.get(key);
  if (resident === undefined) return;
  one.residents.delete(key);
  one.residentBytes -= resident.bytes;
  giveBack(flow, flow.map.memoryOf[device]!, resident.bytes);
}

function isLoading(flow: Flow, device: Device, key: number): boolean {
  const load = device.load === NONE ? undefined : flow.state.loads.get(device.load);
  return load !== undefined && residentKey(load.stage, load.variant) === key;
}

/** Whether what the task runs there is loaded: of a gang, the part of the member that the device is. */
export function isLoaded(flow: Flow, device: DeviceId, task: Task): boolean {
  const resident = residentOf(flow, device, task);
  return resident?.loaded === true && (resident.member === memberOn(task, device) || planted("wrong-member-part"));
}

function residentOf(flow: Flow, device: DeviceId, what: { readonly stage: StageId; readonly variant: number }): Resident | undefined {
  return flow.state.devices[device]!.residents.get(residentKey(what.stage, what.variant));
}

/** The member of a gang whose part of a stage a device holds; undefined where there is none. */
export function loadedMember(
  flow: Flow,
  device: DeviceId,
  what: { readonly stage: StageId; readonly variant: number },
): number | undefined {
  const resident = residentOf(flow, device, what);
  return resident?.loaded === true ? resident.member : undefined;
}

function memberOn({ placed }: Task, device: DeviceId): number {
  return placed.indexOf(device);
}

/** Begins to load a task's stage on an idle device. */
export function startLoad(flow: Flow, device: DeviceId, task: Task): void {
  const { state } = flow;
  const one = state.devices[device]!;
  const id = state.next.load++;
  const { residentMax, residentBytesMax } = flow.config.rack.classes[flow.map.classOf[device]!]!;
  // Where stages make room for one another, loads are part of what work takes each time.
  if (residentMax === undefined && residentBytesMax === undefined) spoilBout(flow);
  one.load = id;
  one.busyUntil = flow.now + expectedLoadNs(flow, device, task);
  const member = memberOn(task, device);
  const resident = residentOf(flow, device, task);
  // Another member's part goes.
  if (resident !== undefined) resident.loaded = false;
  state.loads.set(id, { id, device, stage: task.stage, variant: task.variant, member });
  const part = task.gang > 1 ? { member } : {};
  flow.commands.push({ type: "load", load: id, device, stage: task.stage, variant: task.variant, ...part });
}

/** A load is done: what it took is what the next one is expected to take. */
export function recordLoad(flow: Flow, id: LoadId, durationNs: Nanoseconds): void {
  const { state } = flow;
  const load = state.loads.get(id);
  if (load === undefined) {
    state.counts.stale++;
    return;
  }
  const key = residentKey(load.stage, load.variant);
  const device = state.devices[load.device]!;
  device.loadNs.set(device.compiled.has(key) ? key : -1 - key, durationNs);
  endLoad(flow, id, true);
}

/** As last measured on the device, else as declared; the first one compiles too. */
function expectedLoadNs(flow: Flow, device: DeviceId, what: { readonly stage: StageId; readonly variant: number }): Nanoseconds {
  const { compiled, loadNs: measured } = flow.state.devices[device]!;
  const { loadNs, compileNs } = variantOf(flow, what);
  const key = residentKey(what.stage, what.variant);
  return compiled.has(key) ? (measured.get(key) ?? loadNs) : (measured.get(-1 - key) ?? loadNs + compileNs);
}

/** The device is done with a load, well or not. */
export function endLoad(flow: Flow, id: number, loaded: boolean): void {
  const { state } = flow;
  const load = must(state.loads.get(id), "a load ends once");
  state.loads.delete(id);
  const device = state.devices[load.device]!;
  device.load = NONE;
  device.busyUntil = flow.now;
  const key = residentKey(load.stage, load.variant);
  const resident = device.residents.get(key);
  if (loaded) device.compiled.set(key, true);
  if (resident !== undefined) {
    resident.loaded = loaded;
    resident.member = load.member;
    if (!loaded && resident.uses === 0) forgetResident(flow, load.device, key);
  }
  flow.devicesToLookAt.push(load.device);
  if (device.staged !== NONE) flow.tasksToLookAt.push(device.staged);
  const memory = flow.map.memoryOf[load.device]!;
  if (state.memories[memory]!.waiting.length > 0) flow.memoriesToLookAt.push(memory);
}
