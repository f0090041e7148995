// Goal: the hash names a run of commands: it follows their order and every field but token ids. Method: one field changed at a time.
import { describe, expect, it } from "vitest";
import { emptyCommandHash, hashCommand, hashText } from "./command-hash.ts";
import type { ReplicaCommand } from "./replica-engine-types.ts";

function hashOf(...commands: readonly object[]): string {
  const hash = emptyCommandHash();
  for (const command of commands) hashCommand(hash, command);
  return hashText(hash);
}

const TOKEN: ReplicaCommand = { type: "send", message: { type: "token", request: 1, attempt: 0, index: 5, token: 17 } };
const TIMER: ReplicaCommand = { type: "set-timer", at: 12_345_678_901 };
const TASK: ReplicaCommand = {
  type: "start-task",
  task: 3,
  step: {
    closes: [2],
    opens: [{ lane: 0, request: 1, attempt: 0, tokens: 67, gather: [{ slot: 4, generation: 1 }], gatherTokens: 64 }],
    rows: [{ lane: 0, phase: "prefill", start: 64, count: 3, sample: true }],
    seals: [],
  },
};

describe("the command hash", () => {
  it("is equal for equal commands and follows their order", () => {
    expect(hashOf(TOKEN, TASK)).toBe(hashOf(structuredClone(TOKEN), structuredClone(TASK)));
    expect(hashOf(TOKEN, TASK)).not.toBe(hashOf(TASK, TOKEN));
    expect(hashOf()).toMatch(/^[0-9a-f]{16}$/);
  });

  it("leaves token ids out and takes everything else in", () => {
    const change = (part: object): string => hashOf({ ...TOKEN, message: { ...TOKEN.message, ...part } });
    expect(change({ token: -1 })).toBe(hashOf(TOKEN));
    const others = [change({ index: 6 }), change({ request: 2 }), change({ attempt: 1 }), change({ type: "tokem" }), hashOf(TOKEN)];
    expect(new Set(others).size).toBe(others.length);
  });

  it("sees every bit of a time, and the difference between lists and their parts", () => {
    const times = [12_345_678_901, 12_345_678_902, 12_345_678_901 + 4_294_967_296, 12_345_678_901.5].map((at) => hashOf({ ...TIMER, at }));
    expect(new Set(times).size).toBe(times.length);
    const steps = [
      TASK.step,
      { ...TASK.step, closes: [] },
      { ...TASK.step, closes: [], opens: [] },
      { ...TASK.step, rows: [{ ...TASK.step.rows[0], sample: false }] },
    ];
    expect(new Set(steps.map((step) => hashOf({ ...TASK, step }))).size).toBe(steps.length);
  });

  it("stays what it was: ledgers hold it", () => {
    expect(hashOf(TOKEN, TIMER, TASK)).toMatchInlineSnapshot(`"a99a2a2d65f95de2"`);
  });
});
