/** What a decision of the dataflow engine costs: many pending tasks on many devices, over a million tasks, and repeated batches. */
import { seededPrng } from "../src/base/prng.ts";
import { DATAFLOW_LIMITS, DATAFLOW_POLICY_PARAMETERS } from "../src/engine/dataflow/dataflow-config.ts";
import { createDataflowEngine, type DataflowEngine } from "../src/engine/dataflow/dataflow-engine.ts";
import type { DataflowCommand, DataflowEvent, DataflowRack, TaskSpec } from "../src/engine/dataflow/dataflow-types.ts";
import type { DataflowPolicy } from "../src/policy/dataflow-policy.ts";
import { earliestFinish } from "../src/policy/policies/earliest-finish.ts";
import type { Bench, BenchReport } from "./bench.ts";

const DEVICES = 64;
const PENDING = 10_000;
const TASKS = 1_000_000;
const WINDOW = 100_000;
/** Handles that tasks read and update; a few hundred chains, so that most pending tasks wait for others. */
const HANDLES = 512;
const STAGES = 8;
const BATCH = 64;

export const bench: Bench = {
  name: "scheduling",
  run: async ({ note, rest }): Promise<BenchReport> => {
    const tasks = Number(rest[0] ?? TASKS);
    note(`${tasks} tasks, ${PENDING} pending, ${DEVICES} devices`);
    const dynamic = await measure(tasks, false);
    note(`${tasks >> 1} tasks in repeated batches`);
    const recorded = await measure(tasks >> 1, true);
    const window = Math.min(WINDOW, tasks >> 2);
    // Until then code is being compiled, and what was submitted before the first end is on the account of the first ends.
    const warm = (2 * PENDING) / SAMPLE_EVERY;
    const decisionsUs = dynamic.decisionsUs.slice(warm);
    const chunks = Math.floor(window / CHUNK);
    const first = mean(dynamic.perTaskUs.slice((2 * PENDING) / CHUNK, (2 * PENDING) / CHUNK + chunks));
    const last = mean(dynamic.perTaskUs.slice(-chunks));
    return {
      setup: [
        `${tasks} tasks of ${STAGES} stages with 2 inputs and an update each, ${PENDING} pending, ${DEVICES} devices of 4 classes with a memory each`,
        "CPU time of the process, so that what else the machine does is not counted; garbage collection is",
        "a decision: where one task goes, with all that the engine does around it: the time for the end of a task over the decisions it set off",
        `all figures after the first ${2 * PENDING} tasks, in which code is compiled; those of repeated batches of the second half`,
        "per task: also what its submission, transfers and values cost, and the bench itself",
      ],
      figures: [
        { name: "decision, median", value: quantile(decisionsUs, 0.5), unit: "us", floor: { max: 50 } },
        { name: "decision, 99 %", value: quantile(decisionsUs, 0.99), unit: "us", floor: { max: 200 } },
        { name: "end of a task and all it sets off, 99 %", value: quantile(dynamic.endsUs.slice(warm), 0.99), unit: "us" },
        {
          name: "decision in repeated batches, median",
          value: quantile(recorded.decisionsUs.slice(recorded.decisionsUs.length >> 1), 0.5),
          unit: "us",
          floor: { max: 10 },
        },
        { name: `per task, first ${window} after ${2 * PENDING}`, value: first, unit: "us" },
        { name: `per task, last ${window}`, value: last, unit: "us" },
        { name: "last / first", value: last / first, unit: "x", floor: { max: 1.3 } },
        {
          name: "per task in repeated batches",
          value: mean(recorded.perTaskUs.slice(recorded.perTaskUs.length >> 1)),
          unit: "us",
        },
        { name: "batches taken as recorded", value: recorded.activeShare, unit: "share", floor: { min: 0.95 } },
      ],
    };
  },
};

interface Measured {
  readonly decisionsUs: number[];
  readonly endsUs: number[];
  readonly perTaskUs: number[];
  readonly activeShare: number;
}

/** Keeps `PENDING` tasks in the engine and ends what it starts in the order of the times it takes. */
async function measure(tasks: number, repeated: boolean): Promise<Measured> {
  let decisions = 0;
  const counted: DataflowPolicy = {
    ...earliestFinish,
    place: (task, candidates, parameters) => {
      decisions++;
      return earliestFinish.place(task, candidates, parameters);
    },
  };
  const engine = createDataflowEngine(
    {
      rack: rackOf(),
      limits: { ...DATAFLOW_LIMITS, pendingMax: PENDING + BATCH, lineageDepthMax: 16 },
      policy: DATAFLOW_POLICY_PARAMETERS,
      compareWays: true,
    },
    counted,
  );
  const driver = createDriver(engine, () => decisions);
  for (let stage = 0; stage < STAGES; stage++) driver.step({ type: "stage-declared", stage: stageOf(stage) });
  for (let handle = 0; handle < HANDLES; handle++) {
    driver.step({ type: "handle-declared", handle });
    driver.step({ type: "put", handle, bytes: 65_536 });
  }
  const prng = seededPrng(7);
  const batchOf = (): TaskSpec[] => Array.from({ length: BATCH }, () => taskOf(prng.nextBelow));
  let submitted = 0;
  let batches = 0;
  const template = repeated ? batchOf() : [];
  while (driver.ended < tasks) {
    while (submitted < tasks + BATCH && submitted - driver.ended <= PENDING - BATCH) {
      if (!repeated) driver.step({ type: "submitted", first: submitted, tasks: batchOf() });
      else if (batches % RECORD_AGAIN === 0) driver.step({ type: "submitted", first: submitted, tasks: template, template: 0 });
      else driver.step({ type: "repeated", template: 0, first: submitted });
      submitted += BATCH;
      batches++;
    }
    driver.endNext();
  }
  return {
    decisionsUs: driver.decisionsUs,
    endsUs: driver.endsUs,
    perTaskUs: driver.perTaskUs,
    activeShare: driver.active / Math.max(1, batches),
  };
}

/** Batches after which one is recorded anew: never, in runs of this length. */
const RECORD_AGAIN = 1_000_000_000;

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Median of what a measurement of nothing gives. */
function costOfLooking(): number {
  const costs = Array.from({ length: 999 }, () => -cpuUs() + cpuUs()).sort((a, b) => a - b);
  return costs[costs.length >> 1] ?? 0;
}

/** Looking at the CPU time costs some us: not every decision is timed, and tasks in chunks. */
const SAMPLE_EVERY = 8;
const CHUNK = 1_000;

/** Ends runs, transfers and loads in the order of the times they take. */
function createDriver(engine: DataflowEngine, decisions: () => number) {
  let now = 0;
  let ends = 0;
  let lastUs = cpuUs();
  const emptyUs = costOfLooking();
  const heap: { at: number; event: DataflowEvent }[] = [];
  const perTaskUs: number[] = [];
  const decisionsUs: number[] = [];
  const endsUs: number[] = [];
  const driver = {
    active: 0,
    ended: 0,
    perTaskUs,
    decisionsUs,
    endsUs,
    step: (event: DataflowEvent): void => {
      const timed = event.type === "task-finished" && ends++ % SAMPLE_EVERY === 0;
      const before = decisions();
      const beforeUs = timed ? cpuUs() : 0;
      const commands = engine.step(event, now);
      if (timed) {
        const us = Math.max(0, cpuUs() - beforeUs - emptyUs);
        endsUs.push(us);
        decisionsUs.push(us / Math.max(1, decisions() - before));
      }
      for (const command of commands) take(command);
    },
    endNext: (): void => {
      const next = pop(heap);
      if (next === undefined) throw new RangeError("nothing is under way");
      now = next.at;
      driver.step(next.event);
    },
  };
  const take = (command: DataflowCommand): void => {
    if (command.type === "start") {
      const bytes = command.bindings.filter(({ mode }) => mode !== "read").map(({ bytesMax }) => bytesMax);
      const durationNs = 100_000 * (1 + (command.devices[0]! % 4)) + ((command.task * 7_919) % 50_000);
      push(heap, { at: now + durationNs, event: { type: "task-finished", run: command.run, durationNs, bytes } });
    } else if (command.type === "transfer") {
      const durationNs = 5_000 + (command.toByte - command.fromByte) / 10;
      push(heap, { at: now + durationNs, event: { type: "transfer-finished", transfer: command.transfer, durationNs } });
    } else if (command.type === "load") {
      push(heap, { at: now + 1_000, event: { type: "load-finished", load: command.load, durationNs: 1_000 } });
    } else if (command.type === "task-ended") {
      driver.ended++;
      if (driver.ended % CHUNK > 0) return;
      const us = cpuUs();
      perTaskUs.push((us - lastUs) / CHUNK);
      lastUs = us;
    } else if (command.type === "recorded" && command.active) driver.active++;
  };
  return driver;
}

function push(heap: { at: number; event: DataflowEvent }[], item: { at: number; event: DataflowEvent }): void {
  let at = heap.push(item) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]!.at <= item.at) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = item;
}

function pop(heap: { at: number; event: DataflowEvent }[]): { at: number; event: DataflowEvent } | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (top === undefined || last === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++;
    if (heap[child]!.at >= last.at) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return top;
}

function taskOf(below: (bound: number) => number): TaskSpec {
  const update = below(HANDLES);
  const other = (update + 1 + below(HANDLES - 1)) % HANDLES;
  return {
    stage: below(STAGES),
    accesses: [
      { handle: update, mode: "read" },
      { handle: other, mode: "read" },
      { handle: update, mode: "write", bytes: 65_536 },
    ],
  };
}

function stageOf(stage: number) {
  return {
    stage,
    operator: stage,
    variants: [0, 1, 2, 3].map((deviceClass) => ({
      class: deviceClass,
      priorNs: 100_000 * (1 + deviceClass),
      weightBytes: 0,
      loadNs: 0,
      compileNs: 0,
    })),
  };
}

function rackOf(): DataflowRack {
  const each = Array.from({ length: DEVICES }, (_, device) => device);
  const link = (source: number, target: number, channel: number) => ({ source, target, latencyNs: 5_000, bytesPerSecond: 1e10, channel });
  return {
    memories: [{ host: 0 }, ...each.map((device) => ({ host: 1 + (device >> 3) }))],
    classes: [{}, {}, {}, {}],
    devices: each.map((device) => ({ class: device % 4, memory: device + 1, host: 1 + (device >> 3) })),
    links: each.flatMap((device) => [
      link(0, device + 1, device),
      link(device + 1, 0, device),
      ...each.filter((other) => other !== device).map((other) => link(device + 1, other + 1, other)),
    ]),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
