import type { Bytes } from "../../base/units.ts";
import type { BatchSchedule, BatchView } from "../../policy/batch-schedule/batch-view.ts";
import { createArrivals } from "./arrivals.ts";
import { boutDevice } from "./bouts.ts";
import { NONE, type Task } from "./dataflow-state.ts";
import type { StageId } from "./dataflow-types.ts";
import { type Flow, valueBy } from "./flow.ts";
import { historyOf, predictUnitNs } from "./histories.ts";
import { lineOf } from "./link-model.ts";
import { loadNsOn } from "./residency.ts";

/** Tasks times devices beyond which a batch is not scheduled as a whole: keeps the cost of a submission bounded. */
const SIZE_MAX = 16_384;

/**
 * Has the policy schedule a batch that has the rack to itself, all of whose kinds were measured: devices, ends and ranks of its tasks. What comes meanwhile
 * is ranked and placed task by task; so are gangs, and batches that memory might not hold.
 */
export function scheduleWhole(flow: Flow, tasks: readonly Task[]): void {
  const { state, policy } = flow;
  const devices = state.devices.length;
  // A schedule counts time alone.
  if (flow.config.policy.energyNsPerJoule > 0 || boutDevice(flow) !== NONE) return;
  if (policy.schedule === undefined || tasks.length < 2 || tasks.length !== state.pending || tasks.length * devices > SIZE_MAX) return;
  if (tasks.some(({ gang, priority }) => gang > 1 || priority !== tasks[0]!.priority) || !hasRoom(flow, tasks)) return;
  const batch = batchViewOf(flow, tasks);
  if (batch === undefined) return;
  const schedule = ask(flow, batch);
  if (schedule === undefined) return;
  tasks.forEach((task, i) => {
    task.scheduledOn = schedule.device[i]!;
    task.scheduledAt = flow.now + schedule.startNs[i]!;
    task.scheduledEndAt = flow.now + schedule.endNs[i]!;
    task.rankNs = schedule.lengthNs - schedule.startNs[i]!;
  });
  const byRank = [...tasks].sort((a, b) => a.rankNs - b.rankNs || b.order - a.order);
  for (const device of state.devices) device.scheduled = [];
  for (const { id, scheduledOn } of byRank) state.devices[scheduledOn]!.scheduled.push(id);
}

/** The policy's schedule, checked; what is none is counted. */
function ask({ state, policy }: Flow, batch: BatchView): BatchSchedule | undefined {
  try {
    const schedule = policy.schedule?.(batch);
    if (schedule === undefined || isSchedule(schedule, batch)) return schedule;
    state.counts.policyRefusals++;
  } catch {
    state.counts.policyFallbacks++;
  }
  return undefined;
}

/** A policy in error may return anything. */
function isSchedule({ device, startNs, endNs, lengthNs }: BatchSchedule, { kind, unitNs, devices }: BatchView): boolean {
  if (!Number.isFinite(lengthNs) || [device, startNs, endNs].some((one) => one?.length !== kind.length)) return false;
  return kind.every((one, task) => {
    const at = device[task]!;
    const runs = Number.isInteger(at) && at >= 0 && at < devices && unitNs[one * devices + at]! < Infinity;
    return runs && Number.isFinite(startNs[task]!) && Number.isFinite(endNs[task]!);
  });
}

/** All the batch makes and loads fits beside what is there, in every memory, and no class limits what stays loaded. */
function hasRoom(flow: Flow, tasks: readonly Task[]): boolean {
  const { classes } = flow.config.rack;
  if (classes.some(({ residentMax, residentBytesMax }) => residentMax !== undefined || residentBytesMax !== undefined)) return false;
  let bytes: Bytes = 0;
  const stages = new Set<StageId>();
  for (const { stage, uses } of tasks) {
    stages.add(stage);
    for (const { input, output, bytesMax } of uses) {
      if (output !== NONE) bytes += bytesMax;
      if (input !== NONE && valueBy(flow, input).made) bytes += valueBy(flow, input).bytes;
    }
  }
  for (const stage of stages) bytes += Math.max(0, ...flow.state.stages.get(stage)!.variants.map(({ weightBytes }) => weightBytes));
  return flow.state.memories.every(({ capacity, used }) => used + bytes <= capacity);
}

interface Kind {
  readonly stage: StageId;
  readonly footprint: number;
}

/** `undefined` where a kind was never measured: its runs are to be tried first. */
function batchViewOf(flow: Flow, tasks: readonly Task[]): BatchView | undefined {
  const { state, map } = flow;
  const devices = state.devices.length;
  const kinds: Kind[] = [];
  const kindOf = new Map<string, number>();
  const stageAt = new Map<StageId, number>();
  const kind = Int32Array.from(tasks, ({ stage, footprint }) => {
    const name = `${stage}/${footprint}`;
    const at = kindOf.get(name) ?? kinds.push({ stage, footprint }) - 1;
    kindOf.set(name, at);
    if (!stageAt.has(stage)) stageAt.set(stage, stageAt.size);
    return at;
  });
  const unitNs = new Float64Array(kinds.length * devices).fill(Infinity);
  const loadNs = new Float64Array(stageAt.size * devices);
  for (let one = 0; one < kinds.length; one++) {
    if (
      !priceKind(flow, kinds[one]!, {
        unitNs: unitNs.subarray(one * devices),
        loadNs: loadNs.subarray(stageAt.get(kinds[one]!.stage)! * devices),
      })
    )
      return undefined;
  }
  return {
    devices,
    classes: flow.config.rack.classes.length,
    // Copies: a policy may do anything to them.
    classOf: map.classOf.slice(),
    memoryOf: map.memoryOf.slice(),
    freeNs: Float64Array.from(state.devices, ({ run, load, busyUntil }) =>
      run === NONE && load === NONE ? 0 : Math.max(0, busyUntil - flow.now),
    ),
    unitNs,
    stageOfKind: Int32Array.from(kinds, ({ stage }) => stageAt.get(stage)!),
    loadNs,
    kind,
    work: Float64Array.from(tasks, ({ work }) => work),
    ...dataOf(flow, tasks),
  };
}

/** Fills in what a kind takes on each living device; false where it was measured on none. */
function priceKind(
  flow: Flow,
  { stage, footprint }: Kind,
  into: { readonly unitNs: Float64Array; readonly loadNs: Float64Array },
): boolean {
  const { state, map } = flow;
  const { operator, variants } = state.stages.get(stage)!;
  let measured = false;
  variants.forEach(({ class: deviceClass, priorNs }, variant) => {
    const history = historyOf(state.histories, { operator, variant, footprint });
    for (const device of map.devicesOfClass[deviceClass] ?? []) {
      if (!state.devices[device]!.alive) continue;
      if (history.count[device]! > 0) measured = true;
      const ns = predictUnitNs(state.histories, history, { device, priorNs });
      if (ns >= into.unitNs[device]!) continue;
      into.unitNs[device] = ns;
      into.loadNs[device] = loadNsOn(flow, device, { stage, variant });
    }
  });
  return measured;
}

/** What tasks wait for: results of others of the batch, and what is there. */
function dataOf(flow: Flow, tasks: readonly Task[]): Pick<BatchView, "before" | "dataNs" | "handoverNs"> {
  const devices = flow.state.devices.length;
  const at = new Map(tasks.map(({ id }, i) => [id, i]));
  const dataNs = new Float64Array(tasks.length * devices);
  const typical = typicalLink(flow);
  const handoverNs = new Float64Array(tasks.length);
  const before = tasks.map((task, i) => {
    const inputs: number[] = [];
    let outside = false;
    for (const { input, output, bytesMax } of task.uses) {
      if (output !== NONE) handoverNs[i] = Math.max(handoverNs[i]!, typical.latencyNs + bytesMax * typical.nsPerByte);
      if (input === NONE) continue;
      const { producer, made } = valueBy(flow, input);
      const other = made ? undefined : at.get(producer);
      if (other === undefined) outside = true;
      else if (!inputs.includes(other)) inputs.push(other);
    }
    if (outside) {
      const arrivals = createArrivals(flow, task);
      for (let device = 0; device < devices; device++)
        dataNs[i * devices + device] = arrivals.readyAt(flow.map.memoryOf[device]!) - flow.now;
    }
    return inputs;
  });
  return { before, dataNs, handoverNs };
}

/** The mean of the links between memories of devices, as they were measured. */
function typicalLink(flow: Flow): { readonly latencyNs: number; readonly nsPerByte: number } {
  const { links } = flow.config.rack;
  let latencyNs = 0;
  let nsPerByte = 0;
  let count = 0;
  links.forEach(({ source, target }, link) => {
    if (source === 0 || target === 0) return;
    const line = lineOf(flow.state.links[link]!);
    latencyNs += line.latencyNs;
    nsPerByte += line.nsPerByte;
    count++;
  });
  return count === 0 ? { latencyNs: 0, nsPerByte: 0 } : { latencyNs: latencyNs / count, nsPerByte: nsPerByte / count };
}
