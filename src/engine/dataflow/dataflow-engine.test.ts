// Goal: what a client and an executor can do to the engine has one answer each. Method: a small rack whose events are given by hand.
import { describe, expect, test } from "vitest";
import type { DataflowPolicy } from "../../policy/dataflow-policy.ts";
import { earliestFinish } from "../../policy/policies/earliest-finish.ts";
import { DATAFLOW_LIMITS, DATAFLOW_POLICY_PARAMETERS, type DataflowLimits } from "./dataflow-config.ts";
import { createDataflowEngine } from "./dataflow-engine.ts";
import type { DataflowCommand, DataflowEvent, DataflowRack, TaskSpec } from "./dataflow-types.ts";

const RACK: DataflowRack = {
  memories: [{ host: 0 }, { host: 1, capacityBytes: 1_000 }, { host: 2, capacityBytes: 1_000 }],
  classes: [{}, {}],
  devices: [
    { class: 0, memory: 1, host: 1 },
    { class: 0, memory: 2, host: 2 },
  ],
  links: [1, 2].flatMap((memory) => [
    { source: 0, target: memory, latencyNs: 10, bytesPerSecond: 1e9, channel: memory },
    { source: memory, target: 0, latencyNs: 10, bytesPerSecond: 1e9, channel: memory },
  ]),
};

/** An engine with stages 0 (class 0) and 1 (class 1, of which there is no device), handles 0 to 3, of which 0 has a value. */
function rig(
  limits: Partial<DataflowLimits> = {},
  policy: DataflowPolicy = earliestFinish,
  exploreSamples = DATAFLOW_POLICY_PARAMETERS.exploreSamples,
) {
  const engine = createDataflowEngine(
    { rack: RACK, limits: { ...DATAFLOW_LIMITS, ...limits }, policy: { ...DATAFLOW_POLICY_PARAMETERS, exploreSamples } },
    policy,
  );
  let now = 0;
  const log: DataflowCommand[] = [];
  const step = (event: DataflowEvent): readonly DataflowCommand[] => {
    const commands = engine.step(event, now++);
    log.push(...commands);
    return commands;
  };
  const variant = { priorNs: 1_000, weightBytes: 0, loadNs: 0, compileNs: 0 };
  for (const stage of [0, 1]) step({ type: "stage-declared", stage: { stage, operator: stage, variants: [{ ...variant, class: stage }] } });
  for (const handle of [0, 1, 2]) step({ type: "handle-declared", handle });
  step({ type: "handle-declared", handle: 3, combine: 0 });
  step({ type: "put", handle: 0, bytes: 100 });
  return {
    engine,
    step,
    log,
    last: <T extends DataflowCommand["type"]>(type: T) =>
      log.filter((one) => one.type === type).at(-1) as Extract<DataflowCommand, { type: T }> | undefined,
  };
}

/** Ends transfers and loads until nothing but runs is under way. */
function settleMoves({ step, log }: ReturnType<typeof rig>, from = 0): void {
  for (let i = from; i < log.length; i++) {
    const command = log[i]!;
    if (command.type === "transfer") step({ type: "transfer-finished", transfer: command.transfer, durationNs: 20 });
    if (command.type === "load") step({ type: "load-finished", load: command.load, durationNs: 0 });
  }
}

const write = (handle: number, bytes = 10): TaskSpec => ({ stage: 0, accesses: [{ handle, mode: "write", bytes }] });

describe("a submission", () => {
  const refusals: [string, TaskSpec][] = [
    ["unknown-stage", { stage: 9, accesses: [] }],
    ["unknown-handle", { stage: 0, accesses: [{ handle: 9, mode: "read" }] }],
    ["no-value", { stage: 0, accesses: [{ handle: 2, mode: "read" }] }],
    ["no-combine-stage", { stage: 0, accesses: [{ handle: 1, mode: "reduce", bytes: 1 }] }],
    ["bad-access", { stage: 0, accesses: [{ handle: 1, mode: "write" }] }],
    ["bad-access", { stage: 0, accesses: [write(1).accesses[0]!, { handle: 1, mode: "append", bytes: 1 }] }],
    ["bad-gang", { stage: 0, accesses: [], gang: 2, devices: [0] }],
    ["no-device", { stage: 1, accesses: [] }],
    ["no-device", { stage: 0, accesses: [], gang: 3 }],
    ["capacity", { stage: 0, accesses: [{ handle: 0, mode: "read" }, write(1, 901).accesses[0]!] }],
  ];
  test.each(refusals)("is refused as a whole with %s, and nothing changes", (code, task) => {
    const { engine, step } = rig();
    const before = engine.snapshot();
    const commands = step({ type: "submitted", first: 0, tasks: [write(1), task] });
    expect(commands).toMatchObject([{ type: "rejected", first: 0, refusal: { code } }]);
    expect(engine.snapshot()).toEqual(before);
  });

  test("beyond the bound is refused once, and welcome again when there is room", () => {
    const one = rig({ pendingMax: 4 });
    one.step({ type: "submitted", first: 0, tasks: [write(1), write(2), write(1), write(2)] });
    expect(one.last("accepting")?.accepting).toBe(false);
    expect(one.step({ type: "submitted", first: 4, tasks: [write(1)] })).toMatchObject([
      { type: "rejected", refusal: { code: "backlog-full", pending: 4 } },
    ]);
    settleMoves(one);
    for (let done = 0; done < 2; done++) {
      const starts = one.log.filter((command) => command.type === "start");
      one.step({ type: "task-finished", run: starts[done]!.run, durationNs: 1_000, bytes: [10] });
      settleMoves(one, one.log.length);
    }
    expect(one.last("accepting")?.accepting).toBe(true);
  });
});

describe("a run", () => {
  test("that fails runs elsewhere, and the task fails after its last attempt", () => {
    const one = rig({ attemptsMax: 2 });
    one.step({ type: "submitted", first: 0, tasks: [write(1), { stage: 0, accesses: [{ handle: 1, mode: "read" }] }] });
    settleMoves(one);
    const first = one.last("start")!;
    one.step({ type: "task-failed", run: first.run, detail: "x" });
    settleMoves(one);
    const second = one.last("start")!;
    expect(second.devices).not.toEqual(first.devices);
    one.step({ type: "task-failed", run: second.run, detail: "x" });
    const ends = one.log.filter((command) => command.type === "task-ended");
    expect(ends).toMatchObject([
      { task: 0, failure: { code: "device-failed", attempts: 2, detail: "x" } },
      { task: 1, failure: { code: "input-failed", task: 0 } },
    ]);
  });

  test("that made more than it may fails with oversize", () => {
    const one = rig();
    one.step({ type: "submitted", first: 0, tasks: [write(1)] });
    settleMoves(one);
    one.step({ type: "task-finished", run: one.last("start")!.run, durationNs: 1, bytes: [11] });
    expect(one.last("task-ended")?.failure).toEqual({ code: "oversize", bytes: 11, bytesMax: 10 });
  });

  test("that is cancelled is aborted, and its end is the task's", () => {
    const one = rig();
    one.step({ type: "submitted", first: 0, tasks: [write(1)] });
    settleMoves(one);
    const { run } = one.last("start")!;
    expect(one.step({ type: "task-cancelled", task: 0 })).toMatchObject([{ type: "abort", run }]);
    one.step({ type: "task-finished", run, durationNs: 1, bytes: [10] });
    expect(one.last("task-ended")?.failure).toEqual({ code: "cancelled" });
    one.step({ type: "task-finished", run, durationNs: 1, bytes: [10] });
    expect(one.engine.snapshot().counts.stale).toBe(1);
  });

  test("whose devices have gone for good fails with no-device", () => {
    const one = rig();
    one.step({ type: "submitted", first: 0, tasks: [write(1)] });
    one.step({ type: "host-lost", host: 1, mayReturn: false });
    one.step({ type: "host-lost", host: 2, mayReturn: false });
    expect(one.last("task-ended")?.failure).toEqual({ code: "no-device", stage: 0 });
    expect(one.step({ type: "submitted", first: 1, tasks: [write(1)] })).toMatchObject([
      { type: "rejected", refusal: { code: "no-device" } },
    ]);
  });
});

test("an append moves only what is new, and its readers see what they were to see", () => {
  const one = rig();
  const append: TaskSpec = { stage: 0, accesses: [{ handle: 0, mode: "append", bytes: 50 }], devices: [0] };
  const read: TaskSpec = { stage: 0, accesses: [{ handle: 0, mode: "read" }], devices: [1] };
  one.step({ type: "submitted", first: 0, tasks: [read, append, read] });
  settleMoves(one);
  const starts = one.log.filter((command) => command.type === "start");
  const appending = starts.find(({ task }) => task === 1)!;
  expect(appending.bindings[0]).toMatchObject({ mode: "append", bytes: 100, bytesMax: 150 });
  one.step({ type: "task-finished", run: starts.find(({ task }) => task === 0)!.run, durationNs: 1, bytes: [] });
  const from = one.log.length;
  one.step({ type: "task-finished", run: appending.run, durationNs: 1, bytes: [40] });
  settleMoves(one, from);
  const moved = one.log.slice(from).filter((command) => command.type === "transfer");
  expect(moved.map(({ source, target, fromByte, toByte }) => [source, target, fromByte, toByte])).toEqual([
    [1, 0, 100, 140],
    [0, 2, 100, 140],
  ]);
  expect(one.last("start")).toMatchObject({ task: 2, devices: [1], bindings: [{ bytes: 140 }] });
});

test("the first of two contributions waits for nothing of the second, and a fetch combines them", () => {
  const one = rig();
  const reduce = (device: number): TaskSpec => ({ stage: 0, accesses: [{ handle: 3, mode: "reduce", bytes: 10 }], devices: [device] });
  one.step({ type: "submitted", first: 0, tasks: [reduce(0), reduce(1)] });
  one.step({ type: "fetch", fetch: 0, handle: 3 });
  settleMoves(one);
  const starts = one.log.filter((command) => command.type === "start");
  expect(starts.map(({ task }) => task).sort()).toEqual([0, 1]);
  for (const { run } of starts) one.step({ type: "task-finished", run, durationNs: 1, bytes: [10] });
  settleMoves(one, 0);
  const combining = one.last("start")!;
  expect(combining.task).toBeLessThan(0);
  expect(combining.bindings.map(({ mode }) => mode)).toEqual(["reduce", "reduce", "write"]);
  const from = one.log.length;
  one.step({ type: "task-finished", run: combining.run, durationNs: 1, bytes: [10] });
  settleMoves(one, from);
  expect(one.last("deliver")).toMatchObject({ fetch: 0, handle: 3, bytes: 10 });
});

describe("a gang", () => {
  const gang: TaskSpec = {
    stage: 2,
    gang: 2,
    accesses: [
      { handle: 1, mode: "read", member: 0 },
      { handle: 2, mode: "read", member: 1 },
    ],
  };
  /** Handle 1 lies with device 1, handle 2 with device 0. */
  function parted() {
    const made = rig();
    made.step({
      type: "stage-declared",
      stage: { stage: 2, operator: 2, variants: [{ class: 0, weightBytes: 10, loadNs: 5, compileNs: 5 }] },
    });
    for (const [task, device] of [1, 0].entries()) {
      made.step({ type: "submitted", first: task, tasks: [{ ...write(task + 1), devices: [device] }] });
      settleMoves(made);
      made.step({ type: "task-finished", run: made.last("start")!.run, durationNs: 10, bytes: [10] });
    }
    return made;
  }
  const submit = (made: ReturnType<typeof rig>, first: number, task: TaskSpec): readonly DataflowCommand[] => {
    const from = made.log.length;
    made.step({ type: "submitted", first, tasks: [task] });
    settleMoves(made, from);
    return made.log.slice(from);
  };
  const loadsOf = (commands: readonly DataflowCommand[]) =>
    commands.flatMap((one) => (one.type === "load" ? [{ device: one.device, member: one.member }] : []));

  test("has its members where their parts of a state lie", () => {
    const made = parted();
    const commands = submit(made, 2, gang);
    expect(commands.find(({ type }) => type === "start")).toMatchObject({ devices: [1, 0] });
    expect(commands.filter(({ type }) => type === "transfer")).toEqual([]);
    expect(loadsOf(commands)).toEqual(
      expect.arrayContaining([
        { device: 1, member: 0 },
        { device: 0, member: 1 },
      ]),
    );
    made.step({ type: "task-finished", run: made.last("start")!.run, durationNs: 10, bytes: [] });
    expect(loadsOf(submit(made, 3, gang))).toEqual([]);
  });

  test("loads the parts of other members where it is told to change places", () => {
    const made = parted();
    submit(made, 2, gang);
    made.step({ type: "task-finished", run: made.last("start")!.run, durationNs: 10, bytes: [] });
    const commands = submit(made, 3, { ...gang, devices: [0, 1] });
    expect(commands.filter(({ type }) => type === "start")).toMatchObject([{ devices: [0, 1] }]);
    expect(loadsOf(commands)).toEqual(
      expect.arrayContaining([
        { device: 0, member: 0 },
        { device: 1, member: 1 },
      ]),
    );
  });
});

describe("a batch with a schedule", () => {
  /** Task 1 on device 0, then 2, which takes its result, and 3 on device 1. */
  const schedule = () => ({
    device: Int32Array.of(0, 1, 1),
    startNs: Float64Array.of(0, 400, 1_500),
    endNs: Float64Array.of(300, 1_400, 2_500),
    lengthNs: 2_500,
  });
  const begun = () => {
    const one = rig({}, { ...earliestFinish, schedule }, 0);
    one.step({ type: "submitted", first: 0, tasks: [write(1)] });
    settleMoves(one);
    one.step({ type: "task-finished", run: one.last("start")!.run, durationNs: 1_000, bytes: [10] });
    const from = one.log.length;
    const reads: TaskSpec = {
      stage: 0,
      accesses: [
        { handle: 1, mode: "read" },
        { handle: 2, mode: "write", bytes: 10 },
      ],
    };
    one.step({ type: "submitted", first: 1, tasks: [{ ...write(1), work: 0.3 }, reads, { stage: 0, accesses: [] }] });
    settleMoves(one, from);
    const started = (): number[] => one.log.slice(from).flatMap((command) => (command.type === "start" ? [command.task] : []));
    return { ...one, from, started };
  };

  test("what could run waits for what is due before it on the device", () => {
    const { step, started, last, log } = begun();
    expect(started()).toEqual([1]);
    const before = log.length;
    step({ type: "task-finished", run: last("start")!.run, durationNs: 300, bytes: [10] });
    settleMoves({ step, log } as ReturnType<typeof rig>, before);
    expect(started()).toEqual([1, 2]);
    step({ type: "task-finished", run: last("start")!.run, durationNs: 1_000, bytes: [10] });
    expect(started()).toEqual([1, 2, 3]);
  });

  test("and runs when what it waits for does not come", () => {
    const { step, started } = begun();
    step({ type: "host-lost", host: 1, mayReturn: false });
    // Task 1 again on the device that is left, and what waited.
    expect(started().length).toBeGreaterThan(1);
  });
});
