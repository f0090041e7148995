// Goal: the check says whether fixed programs end, and names the ring. Method: known cases, and random programs against executions in random order.
import { describe, expect, test } from "vitest";
import { seededPrng } from "../../base/prng.ts";
import { type ChannelSpec, checkPrograms, type DeviceProgram, type ProgramStep } from "./ring-check.ts";

const receive = (channel: number): ProgramStep => ({ type: "receive", channel });
const send = (channel: number): ProgramStep => ({ type: "send", channel });
const compute: ProgramStep = { type: "compute", task: 0 };

describe("checkPrograms", () => {
  test("lets a ring pass in which everyone sends first into a channel with room", () => {
    const programs = [0, 1, 2].map((device) => ({ device, steps: [compute, send(device), receive((device + 2) % 3)] }));
    expect(checkPrograms(programs, channelsOf(3, 1))).toEqual({ ok: true, value: { steps: 9 } });
  });

  test("names the ring where everyone receives first", () => {
    const programs = [0, 1, 2].map((device) => ({ device, steps: [receive((device + 2) % 3), send(device)] }));
    const result = checkPrograms(programs, channelsOf(3, 8));
    expect(result.ok).toBe(false);
    if (result.ok || result.error.code !== "ring") return expect.unreachable();
    expect(result.error.ring.map(({ device, waitsFor, does }) => [device, waitsFor, does])).toEqual([
      [0, 2, "receive"],
      [2, 1, "receive"],
      [1, 0, "receive"],
    ]);
  });

  test("names the ring where everyone sends first and nobody has room", () => {
    const programs = [0, 1].map((device) => ({ device, steps: [send(device), receive(1 - device)] }));
    const result = checkPrograms(programs, channelsOf(2, 0));
    expect(!result.ok && result.error.code).toBe("ring");
  });

  test("names a message that nobody sends, a shared channel and an unknown one", () => {
    const codes = [
      checkPrograms([{ device: 4, steps: [receive(0)] }], channelsOf(1, 1)),
      checkPrograms(
        [0, 1].map((device) => ({ device, steps: [send(0)] })),
        channelsOf(1, 9),
      ),
      checkPrograms([{ device: 4, steps: [receive(7)] }], channelsOf(1, 1)),
    ].map((result) => !result.ok && result.error.code);
    expect(codes).toEqual(["unmatched", "shared-channel", "unknown-channel"]);
  });

  test("agrees with every order of execution of random programs", () => {
    let ends = 0;
    for (let seed = 0; seed < 400; seed++) {
      const { programs, channels } = randomPrograms(seed);
      const { ok } = checkPrograms(programs, channels);
      if (ok) ends++;
      for (let order = 0; order < 4; order++) expect(runsToTheEnd(programs, channels, seed * 7 + order), `seed ${seed}`).toBe(ok);
    }
    expect(ends).toBeGreaterThan(40);
    expect(ends).toBeLessThan(360);
  });
});

function channelsOf(count: number, capacity: number): ChannelSpec[] {
  return Array.from({ length: count }, (_, channel) => ({ channel, capacity }));
}

/** Messages in a random order, each sent and received; then some swaps. */
function randomPrograms(seed: number): { programs: DeviceProgram[]; channels: ChannelSpec[] } {
  const prng = seededPrng(seed);
  const devices = 2 + prng.nextBelow(3);
  const channels: ChannelSpec[] = Array.from({ length: devices * devices }, (_, channel) => ({ channel, capacity: prng.nextBelow(3) }));
  const steps: ProgramStep[][] = Array.from({ length: devices }, () => []);
  for (let left = 2 + prng.nextBelow(10); left > 0; left--) {
    const from = prng.nextBelow(devices);
    const to = (from + 1 + prng.nextBelow(devices - 1)) % devices;
    steps[from]!.push(send(from * devices + to));
    steps[to]!.push(receive(from * devices + to));
  }
  for (const list of steps) {
    for (let swaps = prng.nextBelow(3); swaps > 0 && list.length > 1; swaps--) {
      const at = prng.nextBelow(list.length - 1);
      [list[at], list[at + 1]] = [list[at + 1]!, list[at]!];
    }
  }
  return { programs: steps.map((list, device) => ({ device, steps: list })), channels };
}

/** Executes in a random order, by the definition. */
function runsToTheEnd(programs: readonly DeviceProgram[], channels: readonly ChannelSpec[], seed: number): boolean {
  const prng = seededPrng(seed);
  const at = programs.map(() => 0);
  const held = channels.map(() => 0);
  const next = (one: number): ProgramStep | undefined => programs[one]!.steps[at[one]!];
  for (;;) {
    const moves: (() => void)[] = [];
    for (const one of programs.keys()) {
      const step = next(one);
      if (step === undefined || step.type === "compute") continue;
      const { capacity } = channels[step.channel]!;
      if (step.type === "receive" && held[step.channel]! > 0) moves.push(() => [held[step.channel]!--, at[one]!++]);
      if (step.type === "send" && held[step.channel]! < capacity) moves.push(() => [held[step.channel]!++, at[one]!++]);
      for (const other of programs.keys()) {
        const its = next(other);
        if (capacity === 0 && step.type === "send" && its?.type === "receive" && its.channel === step.channel)
          moves.push(() => [at[one]!++, at[other]!++]);
      }
    }
    if (moves.length === 0) return programs.every(({ steps }, one) => at[one] === steps.length);
    moves[prng.nextBelow(moves.length)]!();
  }
}
