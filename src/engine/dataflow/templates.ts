import { type Decision, NONE, type Task, type Template } from "./dataflow-state.ts";
import type { RecordedReason, TaskId, TaskSpec, TemplateId } from "./dataflow-types.ts";
import { type Flow, storageBy, valueBy } from "./flow.ts";
import { historyOf, predictUnitNs } from "./histories.ts";
import { instanceAt } from "./instances.ts";
import { residentKey } from "./residency.ts";

/** Keeps what was decided for a task of a batch that is being recorded. */
export function recordDecision(flow: Flow, task: Task, choice: Pick<Decision, "devices" | "variant" | "predictedNs">): void {
  const template = task.template === NONE ? undefined : flow.state.templates.get(task.template);
  if (template === undefined || task.id >= template.first + template.tasks.length || template.decisions[task.templateIndex] !== undefined)
    return;
  const [device] = choice.devices;
  const memory = flow.map.memoryOf[device!]!;
  const local: number[] = [];
  for (const { handle, input } of task.uses) {
    if (input === NONE || memory === 0) continue;
    const value = valueBy(flow, input);
    const instance = instanceAt(storageBy(flow, value.storage), memory);
    if (value.producer < template.first && instance !== undefined && instance.version >= value.version) local.push(handle, memory);
  }
  const unitNs = unitNsOf(flow, task.stage, { footprint: task.footprint, variant: choice.variant, device: device! });
  const key = residentKey(task.stage, choice.variant);
  const resident = flow.state.devices[device!]!.residents.has(key);
  template.decisions[task.templateIndex] = { ...choice, unitNs, resident, local };
  template.placed++;
}

function unitNsOf(flow: Flow, stage: number, at: { footprint: number; variant: number; device: number }): number {
  const { histories, stages } = flow.state;
  const { operator, variants } = stages.get(stage)!;
  const history = historyOf(histories, { operator, variant: at.variant, footprint: at.footprint });
  return predictUnitNs(histories, history, { device: at.device, priorNs: variants[at.variant]!.priorNs });
}

/** Why a recording does not hold now; `undefined` where it does. */
export function staleReason(flow: Flow, template: Template): RecordedReason | undefined {
  if (template.placed < template.tasks.length) return "not-yet-recorded";
  const { driftMax } = flow.config.limits;
  const { devices } = flow.state;
  for (let i = 0; i < template.tasks.length; i++) {
    const { stage, footprint = 0 } = template.tasks[i]!;
    const decision = template.decisions[i]!;
    const key = residentKey(stage, decision.variant);
    for (const device of decision.devices) {
      if (!devices[device]!.alive) return "device-gone";
      if (decision.resident && !devices[device]!.residents.has(key)) return "residency-changed";
    }
    const unitNs = unitNsOf(flow, stage, { footprint, variant: decision.variant, device: decision.devices[0]! });
    if (unitNs > decision.unitNs * driftMax || unitNs * driftMax < decision.unitNs) return "times-drifted";
    if (!isLocal(flow, decision.local)) return "placement-changed";
  }
  return undefined;
}

/** Inputs that were there are there, or still being made. */
function isLocal(flow: Flow, local: readonly number[]): boolean {
  for (let i = 0; i < local.length; i += 2) {
    const handle = flow.state.handles.get(local[i]!);
    const value = handle === undefined ? undefined : flow.state.values.get(handle.current);
    if (value === undefined) return false;
    if (!value.made) continue;
    const instance = instanceAt(storageBy(flow, value.storage), local[i + 1]!);
    if (instance === undefined || (instance.version < value.version && instance.arriving === NONE)) return false;
  }
  return true;
}

/** Starts to record a batch under a name. */
export function beginRecording(flow: Flow, name: TemplateId, batch: { readonly tasks: readonly TaskSpec[]; readonly first: TaskId }): void {
  const decisions = batch.tasks.map(() => undefined);
  flow.state.templates.set(name, { tasks: batch.tasks, decisions, placed: 0, first: batch.first });
}

/** Where a task of a repeated batch went when it was recorded; `undefined` where that is not possible now. */
export function replayChoice(flow: Flow, task: Task): Decision | undefined {
  const decision = flow.state.templates.get(task.template)?.decisions[task.templateIndex];
  return decision?.devices.every((device) => flow.state.devices[device]!.alive) ? decision : undefined;
}
