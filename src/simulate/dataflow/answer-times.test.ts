// Goal: what passes beside busy times is told by device and link, as it adds up. Method: a record with known times of answers, turns on one channel, and one
// answer that is a hundred times late.
import { describe, expect, it } from "vitest";
import type { DataflowCommand, DataflowEvent, DataflowRack } from "../../engine/dataflow/dataflow-types.ts";
import { answerTimes } from "./answer-times.ts";
import type { RecordedStep } from "./recorded-clients.ts";

const rack: DataflowRack = {
  memories: [{ host: 0 }, { host: 1 }, { host: 2 }],
  classes: [{}],
  devices: [1, 2].map((memory) => ({ class: 0, memory, host: memory })),
  links: [1, 2].map((target) => ({ source: 0, target, latencyNs: 10, bytesPerSecond: 1e9, channel: 0 })),
};

const step = (at: number, event: DataflowEvent, ...commands: DataflowCommand[]): RecordedStep => ({ at, event, commands });
const nothing: DataflowEvent = { type: "delivered", fetch: 0 };
const start = (run: number, device: number): DataflowCommand => ({
  type: "start",
  run,
  task: run,
  stage: 0,
  variant: 0,
  devices: [device],
  bindings: [],
});
const ran = (run: number): DataflowEvent => ({ type: "task-finished", run, durationNs: 100, bytes: [] });

describe("times of answers", () => {
  it("are those between a run's busy time and its answer, by device; a late one counts as three", () => {
    const runs = [20, 20, 20, 40, 9_000].flatMap((ns, i) => [step(i * 10_000, nothing, start(i, 0)), step(i * 10_000 + 100 + ns, ran(i))]);
    const times = answerTimes([...runs, step(90_000, nothing, start(9, 1)), step(90_105, ran(9))], rack);
    expect(times.run(0)).toBe((20 + 20 + 20 + 40 + 60) / 5);
    expect(times.run(1)).toBe(5);
  });

  it("leave out what a transfer waits for those before it on its channel", () => {
    const move = (transfer: number, link: number): DataflowCommand => ({
      type: "transfer",
      transfer,
      storage: 0,
      link,
      source: 0,
      target: link + 1,
      fromByte: 0,
      toByte: 10,
      purpose: "demand",
    });
    const moved = (transfer: number): DataflowEvent => ({ type: "transfer-finished", transfer, durationNs: 100 });
    const times = answerTimes([step(0, nothing, move(0, 0), move(1, 1)), step(107, moved(0)), step(230, moved(1))], rack);
    expect([times.transfer(0), times.transfer(1)]).toEqual([7, 30]);
  });

  it("of a record without any are none", () => {
    expect(answerTimes([], rack).run(0)).toBe(0);
  });
});
