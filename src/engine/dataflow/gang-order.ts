import type { Bytes } from "../../base/units.ts";
import { NONE, type Task } from "./dataflow-state.ts";
import type { DeviceId } from "./dataflow-types.ts";
import { type Flow, storageBy, valueBy } from "./flow.ts";
import { instanceAt } from "./instances.ts";
import { loadedMember } from "./residency.ts";

/**
 * The devices of a gang in the order of its members: each member goes, the first one first, where most of what it alone reads lies; then where its part
 * of the stage is loaded; then in the order of devices.
 *
 * Why: a state that is kept in parts stays where it is, whatever order a policy names the devices in.
 */
export function inMemberOrder(
  flow: Flow,
  task: Task,
  { devices, variant }: { readonly devices: readonly DeviceId[]; readonly variant: number },
): readonly DeviceId[] {
  const left = [...devices].sort((a, b) => a - b);
  return devices.map((_device, member) => {
    let best = 0;
    for (let at = 1; at < left.length; at++)
      if (suitsBetter(flow, task, { member, variant, device: left[at]!, than: left[best]! })) best = at;
    return left.splice(best, 1)[0]!;
  });
}

interface Comparison {
  readonly member: number;
  readonly variant: number;
  readonly device: DeviceId;
  readonly than: DeviceId;
}

function suitsBetter(flow: Flow, task: Task, { member, variant, device, than }: Comparison): boolean {
  const gain = bytesThere(flow, task, { member, device }) - bytesThere(flow, task, { member, device: than });
  if (gain !== 0) return gain > 0;
  const isThere = (one: DeviceId): boolean => loadedMember(flow, one, { stage: task.stage, variant }) === member;
  return isThere(device) && !isThere(than);
}

function bytesThere(flow: Flow, task: Task, { member, device }: { readonly member: number; readonly device: DeviceId }): Bytes {
  const memory = flow.map.memoryOf[device]!;
  let bytes = 0;
  for (const use of task.uses) {
    if (use.input === NONE || use.member !== member) continue;
    const instance = instanceAt(storageBy(flow, valueBy(flow, use.input).storage), memory);
    bytes += Math.max(0, instance?.bytes ?? 0);
  }
  return bytes;
}
