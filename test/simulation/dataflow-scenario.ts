import { type Prng, seededPrng } from "../../src/base/prng.ts";
import { DATAFLOW_LIMITS, DATAFLOW_POLICY_PARAMETERS } from "../../src/engine/dataflow/dataflow-config.ts";
import type {
  AccessMode,
  AccessSpec,
  ClientEvent,
  DataflowRack,
  DeviceSpec,
  LinkSpec,
  MemorySpec,
  StageSpec,
  TaskSpec,
} from "../../src/engine/dataflow/dataflow-types.ts";
import { earliestFinish } from "../../src/policy/policies/earliest-finish.ts";
import { drawnMishaps, NO_MISHAPS } from "../../src/simulate/dataflow/dataflow-mishaps.ts";
import type { DataflowRunInput } from "../../src/simulate/dataflow/dataflow-run.ts";
import { deviatingTruth } from "../../src/simulate/dataflow/dataflow-truth.ts";

/** What a phase of runs mixes in; rates are of single runs, transfers, loads and messages. */
export interface DataflowPhase {
  readonly tight: boolean;
  readonly residency: boolean;
  readonly gangs: boolean;
  readonly losses: boolean;
  readonly fails: number;
  readonly messages: number;
  readonly cancels: boolean;
  readonly shortLineage: boolean;
}

const CALM: DataflowPhase = {
  tight: false,
  residency: false,
  gangs: true,
  losses: false,
  fails: 0,
  messages: 0,
  cancels: false,
  shortLineage: false,
};

export const DATAFLOW_PHASES = {
  calm: CALM,
  "tight memories": { ...CALM, tight: true },
  "residency limits": { ...CALM, residency: true, tight: true },
  failures: { ...CALM, fails: 0.05, messages: 0.1 },
  "lost hosts": { ...CALM, losses: true, messages: 0.1, shortLineage: true },
  everything: { tight: true, residency: true, gangs: true, losses: true, fails: 0.03, messages: 0.1, cancels: true, shortLineage: true },
} as const satisfies Record<string, DataflowPhase>;

export type DataflowPhaseName = keyof typeof DATAFLOW_PHASES;

/** Most bytes of one output and of one stage's weights. */
const OUTPUT_BYTES = 1_000;
const WEIGHT_BYTES = 1_000;

/** A random rack, program and mishaps; a function of phase and seed. */
export function dataflowScenario(name: DataflowPhaseName, seed: number): DataflowRunInput {
  const phase: DataflowPhase = DATAFLOW_PHASES[name];
  const prng = seededPrng(seed * 31 + Object.keys(DATAFLOW_PHASES).indexOf(name));
  const rack = randomRack(prng, phase);
  const stages = randomStages(prng, rack);
  const { script, largestBytes } = randomProgram(prng, { phase, rack, stages });
  // Just room for the largest task: its data, and the weights of a gang whose members share a memory.
  const capacityBytes = largestBytes + 3 * WEIGHT_BYTES;
  const memories = rack.memories.map((memory, id) => (phase.tight && id > 0 ? { ...memory, capacityBytes } : memory));
  const rates = {
    runFails: phase.fails,
    transferFails: phase.fails,
    loadFails: phase.fails,
    doubled: phase.messages,
    late: phase.messages,
    lateNs: 300_000,
    slowDevice: prng.nextBelow(rack.devices.length),
    slowFromNs: 500_000,
    slowness: phase.messages > 0 ? 5 : 1,
  };
  const hosts = 1 + Math.max(...rack.devices.map(({ host }) => host));
  const losses = !phase.losses || hosts < 2 ? [] : Array.from({ length: 1 + prng.nextBelow(3) }, () => lossAt(prng, hosts));
  return {
    config: {
      rack: { ...rack, memories },
      limits: { ...DATAFLOW_LIMITS, queueDepth: 1 + prng.nextBelow(8), lineageDepthMax: phase.shortLineage ? 1 + prng.nextBelow(6) : 64 },
      policy: DATAFLOW_POLICY_PARAMETERS,
    },
    policy: earliestFinish,
    truth: deviatingTruth(rack, { seed, noise: 0.05 }),
    mishaps: phase.fails + phase.messages > 0 ? drawnMishaps(seededPrng(seed + 77), rates) : NO_MISHAPS,
    script,
    losses,
    limitNs: 60_000_000_000,
  };
}

function lossAt(prng: Prng, hosts: number) {
  const at = Math.floor(prng.nextFloat() * 4_000_000);
  return { at, host: 1 + prng.nextBelow(hosts - 1), backAfterNs: Math.floor(prng.nextFloat() * 3_000_000) };
}

function randomRack(prng: Prng, phase: DataflowPhase): DataflowRack {
  const classes = Array.from({ length: 1 + prng.nextBelow(4) }, () => (phase.residency ? { residentMax: 1 + prng.nextBelow(2) } : {}));
  const memories: MemorySpec[] = [{ host: 0 }];
  const devices: DeviceSpec[] = [];
  const count = 1 + prng.nextBelow(12);
  while (devices.length < count) {
    const deviceClass = prng.nextBelow(classes.length);
    const kind = prng.nextBelow(6);
    const last = memories.length - 1;
    if (kind === 0) devices.push({ class: deviceClass, memory: 0, host: 0 });
    else if (kind === 1 && last > 0) devices.push({ class: deviceClass, memory: last, host: memories[last]!.host });
    else {
      const host = kind === 2 && last > 0 ? memories[last]!.host : memories[last]!.host + 1;
      memories.push({ host });
      devices.push({ class: deviceClass, memory: memories.length - 1, host });
    }
  }
  return { memories, classes, devices, links: randomLinks(prng, memories.length) };
}

function randomLinks(prng: Prng, memories: number): LinkSpec[] {
  const links: LinkSpec[] = [];
  const shared = prng.nextBelow(2) === 0;
  const link = (source: number, target: number): void => {
    const channel = shared ? Math.max(source, target) : links.length;
    links.push({ source, target, latencyNs: 1_000 + prng.nextBelow(20_000), bytesPerSecond: 1e7 + prng.nextBelow(1e8), channel });
  };
  for (let memory = 1; memory < memories; memory++) {
    link(0, memory);
    link(memory, 0);
  }
  for (let source = 1; source < memories; source++) {
    for (let target = 1; target < memories; target++) if (source !== target && prng.nextBelow(3) === 0) link(source, target);
  }
  return links;
}

function randomStages(prng: Prng, rack: DataflowRack): StageSpec[] {
  return Array.from({ length: 2 + prng.nextBelow(5) }, (_, stage): StageSpec => {
    const present = rack.classes.flatMap((__, one) => (rack.devices.some((device) => device.class === one) ? [one] : []));
    const able = present.filter(() => prng.nextBelow(3) > 0);
    return {
      stage,
      operator: prng.nextBelow(3) + stage * 3,
      variants: (able.length === 0 ? present : able).map((deviceClass) => ({
        class: deviceClass,
        ...(prng.nextBelow(5) === 0 ? {} : { priorNs: 10_000 + prng.nextBelow(300_000) }),
        weightBytes: prng.nextBelow(WEIGHT_BYTES),
        loadNs: prng.nextBelow(200_000),
        compileNs: prng.nextBelow(2) * prng.nextBelow(100_000),
      })),
    };
  });
}

interface Writing {
  readonly prng: Prng;
  readonly phase: DataflowPhase;
  readonly rack: DataflowRack;
  readonly stages: readonly StageSpec[];
  /** Most bytes of each handle's value; -1 without one. */
  readonly bytes: number[];
  largestBytes: number;
}

function randomProgram(
  prng: Prng,
  given: { readonly phase: DataflowPhase; readonly rack: DataflowRack; readonly stages: readonly StageSpec[] },
): { script: { at: number; event: ClientEvent }[]; largestBytes: number } {
  const handles = 3 + prng.nextBelow(22);
  const writing: Writing = { prng, ...given, bytes: new Array<number>(handles).fill(-1), largestBytes: 3 * OUTPUT_BYTES };
  const script: { at: number; event: ClientEvent }[] = given.stages.map((stage) => ({ at: 0, event: { type: "stage-declared", stage } }));
  for (let handle = 0; handle < handles; handle++) {
    script.push({ at: 0, event: { type: "handle-declared", handle, combine: prng.nextBelow(given.stages.length) } });
    if (prng.nextBelow(4) > 0) script.push({ at: 0, event: put(writing, handle) });
  }
  let at = 0;
  let task = 0;
  let fetch = 0;
  for (let batches = 1 + prng.nextBelow(6); batches > 0; batches--) {
    const tasks = Array.from({ length: 1 + prng.nextBelow(16) }, () => randomTask(writing));
    script.push({ at, event: { type: "submitted", first: task, tasks } });
    task += tasks.length;
    if (given.phase.cancels && prng.nextBelow(8) === 0) {
      script.push({ at: at + prng.nextBelow(300_000), event: { type: "task-cancelled", task: prng.nextBelow(task) } });
    }
    at += 300_000;
    const handle = prng.nextBelow(handles);
    if (writing.bytes[handle]! >= 0 && prng.nextBelow(2) === 0) script.push({ at, event: { type: "fetch", fetch: fetch++, handle } });
    if (prng.nextBelow(4) === 0) script.push({ at, event: put(writing, prng.nextBelow(handles)) });
    if (prng.nextBelow(3) === 0) at += prng.nextBelow(2_000_000);
  }
  for (let handle = 0; handle < handles; handle++) {
    if (writing.bytes[handle]! >= 0) script.push({ at, event: { type: "fetch", fetch: fetch++, handle } });
    script.push({ at, event: { type: "handle-released", handle } });
  }
  return { script, largestBytes: writing.largestBytes };
}

function put({ prng, bytes }: Writing, handle: number): ClientEvent {
  bytes[handle] = 1 + prng.nextBelow(OUTPUT_BYTES);
  return { type: "put", handle, bytes: bytes[handle]! };
}

function randomTask(writing: Writing): TaskSpec {
  const { prng, phase, rack, stages } = writing;
  const stage = prng.nextBelow(stages.length);
  const fitting = stages[stage]!.variants.map((variant) => rack.devices.filter((device) => device.class === variant.class).length);
  const most = Math.min(3, ...fitting);
  const gang = phase.gangs && most > 1 && prng.nextBelow(5) === 0 ? 2 + prng.nextBelow(most - 1) : 1;
  const accesses: AccessSpec[] = [];
  const used: number[] = [];
  const before = [...writing.bytes];
  for (let left = 1 + prng.nextBelow(4); left > 0; left--) {
    const handle = prng.nextBelow(writing.bytes.length);
    if (used.includes(handle)) continue;
    used.push(handle);
    accesses.push(...randomAccess(writing, handle, gang));
  }
  if (accesses.every(({ mode }) => mode === "read")) {
    const handle = writing.bytes.findIndex((_, one) => !used.includes(one));
    if (handle >= 0) accesses.push(output(writing, handle, { mode: "write", gang }));
  }
  const bytesOf = ({ handle, mode, bytes = 0 }: AccessSpec): number => bytes + (mode === "read" || mode === "append" ? before[handle]! : 0);
  writing.largestBytes = Math.max(
    writing.largestBytes,
    accesses.reduce((sum, access) => sum + bytesOf(access), 0),
    // A combine holds the old value, a contribution and the new value.
    ...writing.bytes.map((bytes) => 3 * bytes),
  );
  const priority = prng.nextBelow(5) === 0 ? { priority: prng.nextBelow(3) } : {};
  return { stage, accesses, footprint: prng.nextBelow(2), work: 0.5 + prng.nextFloat(), ...priority, ...(gang > 1 ? { gang } : {}) };
}

function randomAccess(writing: Writing, handle: number, gang: number): AccessSpec[] {
  const { prng, bytes } = writing;
  const has = bytes[handle]! >= 0;
  const kind = prng.nextBelow(8);
  const member = gang > 1 && prng.nextBelow(2) === 0 ? { member: prng.nextBelow(gang) } : {};
  if (has && kind < 3) return [{ handle, mode: "read", ...member }];
  if (has && kind === 3) return [{ handle, mode: "read", ...member }, output(writing, handle, { mode: "write", gang })];
  if (has && kind < 6 && bytes[handle]! < 2 * OUTPUT_BYTES) return [output(writing, handle, { mode: "append", gang })];
  if (kind === 6) return [output(writing, handle, { mode: "reduce", gang })];
  return [output(writing, handle, { mode: "write", gang })];
}

function output({ prng, bytes }: Writing, handle: number, given: { readonly mode: AccessMode; readonly gang: number }): AccessSpec {
  const added = 1 + prng.nextBelow(OUTPUT_BYTES);
  const { mode, gang } = given;
  const before = bytes[handle]!;
  bytes[handle] = mode === "append" ? before + added : mode === "reduce" ? Math.max(before, added) : added;
  return { handle, mode, bytes: added, ...(gang > 1 ? { member: prng.nextBelow(gang) } : {}) };
}
