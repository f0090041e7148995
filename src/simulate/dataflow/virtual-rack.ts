import { must } from "../../base/assert.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { VirtualClock } from "../../clock/virtual-clock.ts";
import type {
  DataflowCommand,
  DataflowEvent,
  DataflowRack,
  DeviceId,
  HandleId,
  HostId,
  StageId,
  StageSpec,
  StartCommand,
  StorageId,
  TaskSpec,
  TransferCommand,
} from "../../engine/dataflow/dataflow-types.ts";
import type { DataflowMishaps } from "./dataflow-mishaps.ts";
import type { DataflowTruth } from "./dataflow-truth.ts";
import type { DataflowReport } from "./dataflow-violation.ts";
import { appendedContent, type Content, combinedContent, producedBytes, producedContent } from "./symbolic-content.ts";
import type { TimelineRow } from "./timeline.ts";
import { contentAt, createVirtualMemory, type VirtualBuffer, type VirtualMemory } from "./virtual-memory.ts";

export interface VirtualRackOptions {
  readonly rack: DataflowRack;
  readonly clock: VirtualClock;
  readonly truth: DataflowTruth;
  readonly mishaps: DataflowMishaps;
  readonly report: DataflowReport;
  /** Hands an event to the engine. */
  readonly send: (event: DataflowEvent) => void;
  /** Content the client put for a handle last. */
  readonly contentOfPut: (handle: HandleId) => Content;
  readonly delivered: (fetch: number, content: Content | undefined) => void;
  readonly row?: (row: TimelineRow) => void;
}

interface VirtualDevice {
  alive: boolean;
  run: VirtualWork | undefined;
  loading: VirtualWork | undefined;
  readonly loaded: Map<string, { readonly bytes: number; ready: boolean; readonly member: number }>;
  readonly compiled: Set<string>;
}

/** A run, load or transfer under way. */
interface VirtualWork {
  ended: boolean;
  readonly startNs: Nanoseconds;
  /** Gives back what it holds in memories that live; with `done`, leaves its results. */
  readonly end: (done: boolean) => void;
  readonly devices: DeviceId[];
  readonly memories: readonly number[];
  readonly fail: () => void;
  /** Stage and variant a run uses. */
  readonly key: string;
  /** Memories that were lost under it. */
  readonly lost: Set<number>;
}

/** Does the commands of a dataflow engine in virtual time, with symbolic bytes, and checks what each relies on. */
export interface VirtualRack {
  take(command: DataflowCommand): void;
  declare(stage: StageSpec): void;
  /** Work per task, as submitted. */
  know(first: number, tasks: readonly TaskSpec[]): void;
  loseHost(host: HostId): void;
  joinDevice(device: DeviceId): void;
  /** What is under way. */
  readonly busy: () => number;
  /** Bytes held besides loaded stages, by memory. */
  readonly left: () => readonly string[];
  readonly memoryOf: (device: DeviceId) => number;
}

export function createVirtualRack(options: VirtualRackOptions): VirtualRack {
  const { rack, clock, truth, mishaps, report, send } = options;
  const memories: VirtualMemory[] = rack.memories.map((memory, id) => createVirtualMemory(id, memory.capacityBytes ?? Infinity, report));
  const devices = rack.devices.map(
    ({ present = true }): VirtualDevice => ({ alive: present, run: undefined, loading: undefined, loaded: new Map(), compiled: new Set() }),
  );
  const channelFreeAt: Nanoseconds[] = [];
  const stages = new Map<StageId, StageSpec>();
  const specs = new Map<number, TaskSpec>();
  const works = new Set<VirtualWork>();
  const runs = new Map<number, VirtualWork>();
  const memoryOf = (device: DeviceId): number => rack.devices[device]!.memory;

  const othersBeside = (device: DeviceId): number => {
    const { machine } = rack.devices[device]!;
    if (machine === undefined) return 0;
    return rack.devices.filter((other, id) => id !== device && other.machine === machine && devices[id]!.run !== undefined).length;
  };
  const finishAt = (work: VirtualWork, at: Nanoseconds, finish: () => void): void => {
    works.add(work);
    clock.schedule(at, () => {
      if (work.ended) return;
      work.ended = true;
      works.delete(work);
      finish();
    });
  };
  /** Messages may be late, and come twice. */
  const answer = (event: DataflowEvent): void => {
    const { delayNs, againAfterNs } = mishaps.message();
    clock.schedule(clock.now() + delayNs, () => send(event));
    if (againAfterNs !== undefined) clock.schedule(clock.now() + delayNs + againAfterNs, () => send(event));
  };
  const rowOf = (resource: TimelineRow["resource"], what: TimelineRow["what"], of: number) => (startNs: Nanoseconds, failed: boolean) =>
    options.row?.({ resource, what, of, startNs, endNs: clock.now(), failed });

  const readAll = (command: StartCommand): { content: Content; buffer: VirtualBuffer }[][] =>
    command.bindings.map(({ storage, member, bytes, mode, discard }) => {
      const isInput = mode === "read" || mode === "append" || (command.task < 0 && mode === "reduce");
      if (!isInput) return [];
      const at = new Set((member < 0 ? command.devices : [must(command.devices[member], "a binding names a member")]).map(memoryOf));
      return [...at].flatMap((memory) => {
        const buffer = memories[memory]!.buffer(storage);
        const content = contentAt(buffer, bytes);
        if (buffer !== undefined && content !== undefined) return [{ content, buffer }];
        report(
          "reads",
          `task ${command.task} reads ${bytes} bytes of storage ${storage} in memory ${memory}: not there${discard ? " (again)" : ""}`,
        );
        return [];
      });
    });

  const start = (command: StartCommand): void => {
    const stage = must(stages.get(command.stage), "a stage is declared");
    const key = `${command.stage}.${command.variant}`;
    for (const device of command.devices) {
      const one = devices[device]!;
      if (!one.alive) report("devices", `task ${command.task} starts on device ${device}, which is not there`);
      if (one.run !== undefined || one.loading !== undefined)
        report("devices", `task ${command.task} starts on device ${device}, which is busy`);
      const loaded = one.loaded.get(key);
      if (loaded?.ready !== true || loaded.member !== command.devices.indexOf(device))
        report("devices", `task ${command.task} starts on device ${device}, where stage ${key} is not loaded`);
    }
    const inputs = readAll(command);
    const users = inputs.flat().map(({ buffer }) => buffer);
    for (const buffer of users) buffer.users++;
    const token = {};
    const outputs = command.bindings.flatMap((binding, access) => {
      const { mode, storage, bytesMax, bytes, discard, member } = binding;
      if (mode === "read" || (command.task < 0 && mode === "reduce")) return [];
      const memory = memoryOf(command.devices[Math.max(0, member)]!);
      if (discard) memories[memory]!.hold(bytesMax - bytes);
      return [{ access, binding, memory, buffer: discard ? undefined : memories[memory]!.claim(storage, token, bytesMax) }];
    });
    const flat = inputs.map((each) => each[0]?.content).filter((content) => content !== undefined);
    const sizes = outputs.map(({ access, binding }) =>
      command.task < 0 ? binding.bytesMax : producedBytes(command.task, access, binding.bytesMax - binding.bytes),
    );
    const lost = new Set<number>();
    const endRun = (done: boolean): void => {
      for (const buffer of users) buffer.users--;
      outputs.forEach(({ access, binding, memory, buffer }, i) => {
        if (lost.has(memory)) return;
        if (buffer === undefined) {
          memories[memory]!.hold(binding.bytes - binding.bytesMax);
          return;
        }
        if (done) {
          const before = contentAt(buffer, binding.bytes);
          const made = command.task < 0 ? combinedContent(flat) : producedContent(command.task, access, flat);
          const content = binding.mode === "append" ? appendedContent(before ?? 0, made) : made;
          memories[memory]!.write(buffer, { bytes: binding.bytes + sizes[i]!, content });
        }
        memories[memory]!.unclaim(buffer, token);
      });
      for (const device of work.devices) devices[device]!.run = undefined;
      for (const device of command.devices) rowOf({ device }, "run", command.task)(work.startNs, !done);
    };
    const work: VirtualWork = {
      ended: false,
      startNs: clock.now(),
      end: endRun,
      devices: [...command.devices],
      memories: [...new Set(command.devices.map(memoryOf))],
      fail: () => answer({ type: "task-failed", run: command.run, detail: "aborted" }),
      key,
      lost,
    };
    runs.set(command.run, work);
    for (const device of command.devices) devices[device]!.run = work;
    const times = command.devices.map((device) =>
      truthNs(
        device,
        truth.runNs({
          stage,
          variant: command.variant,
          device,
          work: specs.get(command.task)?.work ?? 1,
          footprint: specs.get(command.task)?.footprint ?? 0,
          run: command.run,
          others: othersBeside(device),
        }),
      ),
    );
    const durationNs = Math.max(...times);
    const failure = mishaps.run();
    const answerNs = Math.max(0, ...command.devices.map((device) => truth.runAnswerNs?.(device) ?? 0));
    finishAt(work, clock.now() + answerNs + (failure === undefined ? durationNs : Math.ceil(durationNs * failure.after)), () => {
      runs.delete(command.run);
      endRun(failure === undefined);
      if (failure === undefined) answer({ type: "task-finished", run: command.run, durationNs, bytes: sizes });
      else answer({ type: "task-failed", run: command.run, detail: "drawn" });
    });
  };
  const truthNs = (device: DeviceId, ns: Nanoseconds): Nanoseconds => Math.ceil(ns * mishaps.slowness(device, clock.now()));

  const transfer = (command: TransferCommand): void => {
    const { storage, source, target, fromByte, toByte, link } = command;
    const from = memories[source]!.buffer(storage);
    if (contentAt(from, toByte) === undefined)
      report("reads", `a transfer takes ${toByte} bytes of storage ${storage} from memory ${source}: not there`);
    const token = {};
    const into = memories[target]!.claim(storage, token, toByte);
    if (fromByte > 0 && contentAt(into, fromByte) === undefined)
      report("reads", `a transfer continues storage ${storage} in memory ${target} from ${fromByte}: not there`);
    if (from !== undefined) from.users++;
    const { channel } = rack.links[link]!;
    const startNs = Math.max(clock.now(), channelFreeAt[channel] ?? 0);
    const durationNs = truth.transferNs(link, toByte - fromByte);
    channelFreeAt[channel] = startNs + durationNs;
    const lost = new Set<number>();
    const end = (done: boolean): void => {
      if (from !== undefined) from.users--;
      if (!lost.has(target)) {
        if (done && from !== undefined) {
          if (contentAt(from, toByte) === undefined || memories[source]!.buffer(storage) !== from) {
            report("use", `the source of a transfer of storage ${storage} from memory ${source} went away`);
          }
          const isNew = (bytes: number): boolean => (bytes > fromByte || fromByte === 0) && bytes <= toByte;
          for (const prefix of from.prefixes) if (isNew(prefix.bytes)) memories[target]!.write(into, prefix);
        }
        memories[target]!.unclaim(into, token);
      }
      rowOf({ link }, "transfer", storage)(startNs, !done);
    };
    const work = { ended: false, startNs, end, devices: [], memories: [source, target], fail: () => {}, key: "", lost };
    const fails = mishaps.transfer();
    finishAt(work, startNs + durationNs + (truth.transferAnswerNs?.(link) ?? 0), () => {
      end(!fails);
      if (fails) answer({ type: "transfer-failed", transfer: command.transfer, detail: "drawn" });
      else answer({ type: "transfer-finished", transfer: command.transfer, durationNs });
    });
  };

  const load = (command: Extract<DataflowCommand, { type: "load" }>): void => {
    const { device, variant } = command;
    const stage = must(stages.get(command.stage), "a stage is declared");
    const key = `${command.stage}.${variant}`;
    const one = devices[device]!;
    const { weightBytes } = stage.variants[variant]!;
    if (!one.alive || one.run !== undefined || one.loading !== undefined)
      report("devices", `stage ${key} is loaded on device ${device}, which is not idle`);
    // Where it held another member's part, this one takes its place.
    if (!one.loaded.has(key)) memories[memoryOf(device)]!.hold(weightBytes);
    one.loaded.set(key, { bytes: weightBytes, ready: false, member: command.member ?? 0 });
    checkResidents(device);
    const durationNs = truth.loadNs(stage, variant, !one.compiled.has(key));
    const fails = mishaps.load();
    const startNs = clock.now();
    const end = (done: boolean): void => {
      one.loading = undefined;
      rowOf({ device }, "load", command.stage)(startNs, !done);
    };
    const work = {
      ended: false,
      startNs,
      end,
      devices: [device],
      memories: [memoryOf(device)],
      fail: () => {},
      key: "",
      lost: new Set<number>(),
    };
    one.loading = work;
    finishAt(work, clock.now() + durationNs, () => {
      end(!fails);
      if (fails) {
        one.loaded.delete(key);
        memories[memoryOf(device)]!.hold(-weightBytes);
        answer({ type: "load-failed", load: command.load, detail: "drawn" });
        return;
      }
      one.loaded.set(key, { bytes: weightBytes, ready: true, member: command.member ?? 0 });
      one.compiled.add(key);
      answer({ type: "load-finished", load: command.load, durationNs });
    });
  };

  const checkResidents = (device: DeviceId): void => {
    const { residentMax = Infinity, residentBytesMax = Infinity } = rack.classes[rack.devices[device]!.class]!;
    const { loaded } = devices[device]!;
    let bytes = 0;
    for (const one of loaded.values()) bytes += one.bytes;
    if (loaded.size > residentMax || bytes > residentBytesMax)
      report("capacity", `device ${device} has ${loaded.size} executables of ${bytes} bytes`);
  };

  const unload = (device: DeviceId, key: string): void => {
    const one = devices[device]!;
    const loaded = one.loaded.get(key);
    if (loaded?.ready !== true) report("use", `stage ${key} is unloaded from device ${device}, where it is not loaded`);
    if (one.run !== undefined && one.run.key === key) report("use", `stage ${key} is unloaded from device ${device}, which runs it`);
    one.loaded.delete(key);
    memories[memoryOf(device)]!.hold(-(loaded?.bytes ?? 0));
  };

  const deliver = (command: Extract<DataflowCommand, { type: "deliver" }>): void => {
    const buffer = memories[0]!.buffer(command.storage);
    if (buffer !== undefined) buffer.users++;
    // The client takes its time; the bytes must stay.
    clock.schedule(clock.now() + DELIVERY_NS, () => {
      if (buffer !== undefined) buffer.users--;
      const content = contentAt(memories[0]!.buffer(command.storage), command.bytes);
      if (content === undefined) report("reads", `fetch ${command.fetch} gets ${command.bytes} bytes that are not there`);
      options.delivered(command.fetch, content);
      send({ type: "delivered", fetch: command.fetch });
    });
  };

  return {
    declare: (stage) => stages.set(stage.stage, stage),
    know: (first, tasks) => {
      for (const [i, spec] of tasks.entries()) specs.set(first + i, spec);
    },
    busy: () => works.size,
    memoryOf,
    left: () =>
      memories.flatMap((memory, id) => {
        const loaded = devices.flatMap((device, at) => (memoryOf(at) === id ? [...device.loaded.values()] : []));
        const weights = loaded.reduce((sum, { bytes }) => sum + bytes, 0);
        return memory.buffers() > 0 || memory.used() !== weights
          ? [`memory ${id}: ${memory.buffers()} buffers, ${memory.used() - weights} bytes`]
          : [];
      }),
    take: (command) => {
      switch (command.type) {
        case "start":
          start(command);
          return;
        case "abort": {
          const work = runs.get(command.run);
          if (work === undefined || work.ended) return;
          runs.delete(command.run);
          work.ended = true;
          works.delete(work);
          work.end(false);
          work.fail();
          return;
        }
        case "load":
          load(command);
          return;
        case "unload":
          unload(command.device, `${command.stage}.${command.variant}`);
          return;
        case "transfer":
          transfer(command);
          return;
        case "drop":
          memories[command.memory]!.drop(command.storage);
          return;
        case "adopt": {
          const token = {};
          const buffer = memories[0]!.claim(command.storage as StorageId, token, command.bytes);
          memories[0]!.write(buffer, { bytes: command.bytes, content: options.contentOfPut(command.handle) });
          memories[0]!.unclaim(buffer, token);
          return;
        }
        case "deliver":
          deliver(command);
          return;
        default:
      }
    },
    loseHost: (host) => {
      const lostDevices = rack.devices.flatMap((device, id) => (device.host === host ? [id] : []));
      const lostMemories = rack.memories.flatMap((memory, id) => (id !== 0 && memory.host === host ? [id] : []));
      for (const work of [...works]) {
        const touchesMemory = work.memories.some((memory) => lostMemories.includes(memory));
        const rest = work.devices.filter((device) => !lostDevices.includes(device));
        if (!touchesMemory && rest.length === work.devices.length) continue;
        for (const memory of lostMemories) work.lost.add(memory);
        work.devices.splice(0, work.devices.length, ...rest);
        // A gang's other members stand still until they are told.
        if (rest.length > 0) continue;
        work.ended = true;
        works.delete(work);
        work.end(false);
      }
      for (const device of lostDevices) {
        const one = devices[device]!;
        one.alive = false;
        one.run = undefined;
        one.loading = undefined;
        for (const { bytes } of one.loaded.values()) memories[memoryOf(device)]!.hold(-bytes);
        one.loaded.clear();
        one.compiled.clear();
      }
      for (const memory of lostMemories) memories[memory]!.clear();
    },
    joinDevice: (device) => {
      devices[device]!.alive = true;
    },
  };
}

/** How long a client looks at what it fetched. */
const DELIVERY_NS = 1_000;
