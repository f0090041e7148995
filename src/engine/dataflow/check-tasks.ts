import type { Bytes } from "../../base/units.ts";
import { membersIn } from "./candidates.ts";
import { type Handle, NONE } from "./dataflow-state.ts";
import type { AccessMode, DeviceId, HandleId, Refusal, StageSpec, TaskId, TaskSpec } from "./dataflow-types.ts";
import type { Flow } from "./flow.ts";

/** What the tasks of a batch before it would leave a handle with. */
interface Foreseen {
  hasValue: boolean;
  /** Of its value, or of its largest contribution where that is more. */
  bytes: Bytes;
}

/** Why a batch cannot be taken, or `undefined`. Nothing is changed. */
export function refusalOf(flow: Flow, first: TaskId, tasks: readonly TaskSpec[]): Refusal | undefined {
  const { state, config } = flow;
  const { pendingMax } = config.limits;
  if (state.pending + tasks.length > pendingMax) return { code: "backlog-full", pending: state.pending, limit: pendingMax };
  const foreseen = new Map<HandleId, Foreseen>();
  for (let i = 0; i < tasks.length; i++) {
    const task = first + i;
    const spec = tasks[i]!;
    const stage = state.stages.get(spec.stage);
    if (stage === undefined) return { code: "unknown-stage", task, stage: spec.stage };
    const refusal = accessRefusal(flow, { task, spec, foreseen }) ?? gangRefusal(flow, task, spec);
    if (refusal !== undefined) return refusal;
    const noPlace = placeRefusal(flow, { task, spec, stage, dataBytes: dataBytesOf(flow, { task, spec, foreseen }) });
    if (noPlace !== undefined) return noPlace;
    for (const access of spec.accesses) {
      foresee(foreseen, access.handle, access);
      const noCombine =
        access.mode === "reduce"
          ? combineRefusal(flow, { task, handle: access.handle, bytes: foreseen.get(access.handle)!.bytes })
          : undefined;
      if (noCombine !== undefined) return noCombine;
    }
  }
  return undefined;
}

interface Checking {
  readonly task: TaskId;
  readonly spec: TaskSpec;
  readonly foreseen: Map<HandleId, Foreseen>;
}

function accessRefusal(flow: Flow, { task, spec, foreseen }: Checking): Refusal | undefined {
  const seen = new Map<HandleId, AccessMode>();
  for (const { handle, mode, bytes, member } of spec.accesses) {
    const known = flow.state.handles.get(handle);
    if (known === undefined) return { code: "unknown-handle", task, handle };
    const before = foreseeable(flow, foreseen, known, handle);
    const earlier = seen.get(handle);
    seen.set(handle, mode);
    const bad = (detail: string): Refusal => ({ code: "bad-access", task, handle, detail });
    if (earlier !== undefined && !mayFollow(earlier, mode)) return bad(`${mode} after ${earlier} in one task`);
    if ((mode === "read" || mode === "append") && !before.hasValue) return { code: "no-value", task, handle };
    if (mode === "reduce" && known.combine === NONE) return { code: "no-combine-stage", task, handle };
    if (mode === "read" ? bytes !== undefined : bytes === undefined || !Number.isSafeInteger(bytes) || bytes < 0)
      return bad("bytes are given for what is made, as a whole number, and for nothing else");
    if (member !== undefined && (!Number.isInteger(member) || member < 0 || member >= (spec.gang ?? 1))) return bad(`no member ${member}`);
  }
  return undefined;
}

function mayFollow(earlier: AccessMode, mode: AccessMode): boolean {
  return earlier === "read" && mode !== "reduce";
}

function gangRefusal(flow: Flow, task: TaskId, spec: TaskSpec): Refusal | undefined {
  const { gang = 1, devices } = spec;
  const bad = (detail: string): Refusal => ({ code: "bad-gang", task, detail });
  if (!Number.isInteger(gang) || gang < 1) return bad(`${gang} members`);
  if (devices === undefined) return undefined;
  if (new Set(devices).size !== devices.length) return bad("a device is named twice");
  const unknown = devices.find((device) => flow.map.classOf[device] === undefined);
  if (unknown !== undefined) return bad(`no device ${unknown}`);
  if (gang > 1 && devices.length !== gang) return bad(`${devices.length} devices for ${gang} members`);
  if (gang > 1 && new Set(devices.map((device) => flow.map.classOf[device])).size > 1) return bad("members of several classes");
  return undefined;
}

interface Placing {
  readonly task: TaskId;
  readonly spec: Pick<TaskSpec, "devices" | "gang">;
  readonly stage: StageSpec;
  /** Everything but weights. */
  readonly dataBytes: Bytes;
}

/** A combine of one contribution must have a place. */
function combineRefusal(flow: Flow, { task, handle, bytes }: { task: TaskId; handle: HandleId; bytes: Bytes }): Refusal | undefined {
  const combine = flow.state.handles.get(handle)?.combine ?? NONE;
  const stage = flow.state.stages.get(combine);
  if (stage === undefined) return { code: "unknown-stage", task, stage: combine };
  return placeRefusal(flow, { task, spec: {}, stage, dataBytes: COMBINE_LEAST * bytes });
}

/** Old value, one contribution, new value. */
const COMBINE_LEAST = 3;

/** Some devices that may still live must have a variant, and the memory. */
function placeRefusal(flow: Flow, given: Placing): Refusal | undefined {
  const { task, spec, stage, dataBytes } = given;
  const { gang = 1 } = spec;
  let able = 0;
  let roomiest = NONE;
  let roomiestFree = NONE;
  let needed = dataBytes;
  for (const { class: deviceClass, weightBytes } of stage.variants) {
    const devices = possibleDevices(flow, spec, deviceClass);
    const { residentBytesMax = Infinity } = flow.config.rack.classes[deviceClass] ?? {};
    able = Math.max(able, devices.length);
    let fitting = 0;
    for (const device of devices) {
      const memory = flow.map.memoryOf[device]!;
      const { capacity } = flow.state.memories[memory]!;
      const bytes = dataBytes + membersIn(flow, memory, { class: deviceClass, gang }) * weightBytes;
      if (bytes <= capacity && weightBytes <= residentBytesMax) fitting++;
      else if (capacity > roomiestFree) {
        roomiest = memory;
        roomiestFree = capacity;
        needed = bytes;
      }
    }
    if (fitting >= gang) return undefined;
  }
  if (able < gang) return { code: "no-device", task, stage: stage.stage };
  return { code: "capacity", task, neededBytes: needed, freeBytes: roomiestFree, memory: roomiest };
}

function possibleDevices(flow: Flow, { devices, gang = 1 }: Placing["spec"], deviceClass: number): readonly DeviceId[] {
  const possible = (flow.map.devicesOfClass[deviceClass] ?? []).filter((device) => {
    const { alive, mayReturn } = flow.state.devices[device]!;
    return (alive || mayReturn) && (devices === undefined || devices.includes(device));
  });
  return devices !== undefined && gang > 1 && possible.length < gang ? [] : possible;
}

/** Most bytes of everything the task touches, each member's counted for every member. */
function dataBytesOf(flow: Flow, { spec, foreseen }: Checking): Bytes {
  let bytes = 0;
  for (const access of spec.accesses) {
    const known = flow.state.handles.get(access.handle)!;
    if (access.mode === "read" || access.mode === "append") bytes += foreseeable(flow, foreseen, known, access.handle).bytes;
    bytes += access.bytes ?? 0;
  }
  return bytes;
}

function foreseeable(flow: Flow, foreseen: Map<HandleId, Foreseen>, handle: Handle, id: HandleId): Foreseen {
  const known = foreseen.get(id);
  if (known !== undefined) return known;
  const bytesOf = (value: number): Bytes => flow.state.values.get(value)?.bytes ?? 0;
  const contributions = handle.contributions.map(bytesOf);
  const made = {
    hasValue: handle.current !== NONE || contributions.length > 0,
    bytes: Math.max(bytesOf(handle.current), ...contributions),
  };
  foreseen.set(id, made);
  return made;
}

function foresee(foreseen: Map<HandleId, Foreseen>, handle: HandleId, { mode, bytes = 0 }: { mode: AccessMode; bytes?: Bytes }): void {
  const known = foreseen.get(handle)!;
  if (mode === "read") return;
  known.hasValue = true;
  if (mode === "append") known.bytes += bytes;
  else if (mode === "write") known.bytes = bytes;
  else known.bytes = Math.max(known.bytes, bytes);
}
