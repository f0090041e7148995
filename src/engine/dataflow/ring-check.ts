import { err, ok, type Result } from "../../base/result.ts";
import type { DeviceId } from "./dataflow-types.ts";

/** One item of a device's fixed program: it takes from a channel, computes, or puts into a channel. */
export type ProgramStep =
  | { readonly type: "receive"; readonly channel: number }
  | { readonly type: "compute"; readonly task: number }
  | { readonly type: "send"; readonly channel: number };

/** What a device does, in order. */
export interface DeviceProgram {
  readonly device: DeviceId;
  readonly steps: readonly ProgramStep[];
}

/** How many messages a channel holds before a sender waits; 0: sender and receiver meet. */
export interface ChannelSpec {
  readonly channel: number;
  readonly capacity: number;
}

/** A device that waits, where, for which channel, and for which device. */
export interface WaitingDevice {
  readonly device: DeviceId;
  readonly step: number;
  readonly does: "receive" | "send";
  readonly channel: number;
  /** `undefined`: nobody does the other half any more. */
  readonly waitsFor: DeviceId | undefined;
}

export type ProgramFault =
  /** Devices that wait for one another, in the order of the ring. */
  | { readonly code: "ring"; readonly ring: readonly WaitingDevice[] }
  /** A device waits for a message that nobody sends, or to send one that nobody takes. */
  | { readonly code: "unmatched"; readonly waiting: WaitingDevice }
  | { readonly code: "shared-channel"; readonly channel: number; readonly devices: readonly DeviceId[] }
  | { readonly code: "unknown-channel"; readonly channel: number; readonly device: DeviceId };

/**
 * Whether fixed programs over bounded channels end, whatever the times.
 *
 * Model: a Kahn network with bounded channels, each with one sender and one receiver. What each device does is fixed, so the order in which others
 * run changes nothing: one execution decides for all.
 * Complexity: linear in the steps.
 * Source: Kahn 1974, determinacy of networks of sequential processes; a full channel is a second channel for its free places (Parks 1995).
 */
export function checkPrograms(
  programs: readonly DeviceProgram[],
  channels: readonly ChannelSpec[],
): Result<{ readonly steps: number }, ProgramFault> {
  const ends = endsOf(programs, channels);
  if (!ends.ok) return ends;
  const at = programs.map(() => 0);
  const held = new Map<number, number>();
  let steps = 0;
  const capacity = new Map(channels.map((channel) => [channel.channel, channel.capacity]));
  const stepOf = (program: number): ProgramStep | undefined => programs[program]?.steps[at[program]!];
  const advance = (program: number): void => {
    at[program]!++;
    steps++;
    work.push(program);
  };
  const work = programs.map((_, program) => program);
  for (let program = work.pop(); program !== undefined; program = work.pop()) {
    const step = stepOf(program);
    if (step === undefined) continue;
    if (step.type === "compute") {
      advance(program);
      continue;
    }
    const { channel } = step;
    const { sender, receiver } = ends.value.get(channel)!;
    const there = held.get(channel) ?? 0;
    const other = step.type === "send" ? receiver : sender;
    const waiting = other === undefined ? undefined : stepOf(other);
    const meets = waiting !== undefined && waiting.type !== "compute" && waiting.type !== step.type && waiting.channel === channel;
    if (step.type === "send" && there < capacity.get(channel)!) {
      held.set(channel, there + 1);
      advance(program);
      if (other !== undefined) work.push(other);
    } else if (step.type === "receive" && there > 0) {
      held.set(channel, there - 1);
      advance(program);
      if (other !== undefined) work.push(other);
    } else if (meets && capacity.get(channel) === 0) {
      advance(program);
      advance(other!);
    }
  }
  const stuck = programs.findIndex((program, i) => at[i]! < program.steps.length);
  return stuck < 0 ? ok({ steps }) : err(faultOf(programs, { at, ends: ends.value, from: stuck }));
}

interface Ends {
  sender: number | undefined;
  receiver: number | undefined;
}

function endsOf(programs: readonly DeviceProgram[], channels: readonly ChannelSpec[]): Result<ReadonlyMap<number, Ends>, ProgramFault> {
  const ends = new Map<number, Ends>(channels.map(({ channel }) => [channel, { sender: undefined, receiver: undefined }]));
  for (const [program, { device, steps }] of programs.entries()) {
    for (const step of steps) {
      if (step.type === "compute") continue;
      const one = ends.get(step.channel);
      if (one === undefined) return err({ code: "unknown-channel", channel: step.channel, device });
      const role = step.type === "send" ? "sender" : "receiver";
      const before = one[role];
      if (before !== undefined && before !== program) {
        return err({ code: "shared-channel", channel: step.channel, devices: [programs[before]!.device, device] });
      }
      one[role] = program;
    }
  }
  return ok(ends);
}

/** Follows who waits for whom from a device that waits: to a device that has ended, or round a ring. */
function faultOf(
  programs: readonly DeviceProgram[],
  given: { readonly at: readonly number[]; readonly ends: ReadonlyMap<number, Ends>; readonly from: number },
): ProgramFault {
  const { at, ends, from } = given;
  const path: number[] = [];
  let program = from;
  for (;;) {
    const seen = path.indexOf(program);
    if (seen >= 0) return { code: "ring", ring: path.slice(seen).map((one) => waitOf(one).waiting) };
    path.push(program);
    const { waiting, other } = waitOf(program);
    if (other === undefined || waiting.waitsFor === undefined) return { code: "unmatched", waiting };
    program = other;
  }
  function waitOf(one: number): { waiting: WaitingDevice; other: number | undefined } {
    const { device, steps } = programs[one]!;
    const step = steps[at[one]!] as Exclude<ProgramStep, { type: "compute" }>;
    const { sender, receiver } = ends.get(step.channel)!;
    const other = step.type === "send" ? receiver : sender;
    const over = other === undefined || at[other]! >= programs[other]!.steps.length;
    const waitsFor = over ? undefined : programs[other]!.device;
    return { waiting: { device, step: at[one]!, does: step.type, channel: step.channel, waitsFor }, other };
  }
}
