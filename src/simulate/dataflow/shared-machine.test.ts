// Goal: devices that slow one another down are used together only where that gains. Method: a virtual machine whose runs take longer beside others, batches
// of runs in a closed loop; what the last batches take is held against the same rack without the second device, and against a policy that does not look at what devices take from one another.
import { describe, expect, it } from "vitest";
import { DATAFLOW_LIMITS, DATAFLOW_POLICY_PARAMETERS } from "../../engine/dataflow/dataflow-config.ts";
import type { DataflowRack, StageSpec } from "../../engine/dataflow/dataflow-types.ts";
import type { DataflowPolicy } from "../../policy/dataflow-policy.ts";
import { earliestFinish } from "../../policy/policies/earliest-finish.ts";
import { NO_MISHAPS } from "./dataflow-mishaps.ts";
import { runDataflow } from "./dataflow-run.ts";
import { declaredTruth } from "./dataflow-truth.ts";
import type { ScriptedCall } from "./scripted-client.ts";

const RUNS = 12;
const BATCHES = 10;
const MS = 1e6;
/** Beside another device runs take so many times as long. */
const SLOWER = 1.8;

const careless: DataflowPolicy = {
  ...earliestFinish,
  place: (task, candidates, parameters) =>
    earliestFinish.place(task, { length: candidates.length, at: (i) => ({ ...candidates.at(i), burdenNs: 0 }) }, parameters),
};

interface Machine {
  /** Time of a run alone, by device. Units: ms. */
  readonly runMs: readonly number[];
  readonly policy?: DataflowPolicy;
  readonly slower?: number;
}

describe("devices of one machine", () => {
  it("leave a weak one idle that takes from the strong one what it gains", () => {
    const alone = lastBatchMs({ runMs: [36] });
    expect(lastBatchMs({ runMs: [36, 97] }) / alone).toBeLessThan(1.03);
    expect(lastBatchMs({ runMs: [36, 97], policy: careless }) / alone).toBeGreaterThan(1.2);
  });

  it("leave it idle where the batch that it would slow down, and be slowed down by, has only begun to come", () => {
    const alone = lastBatchMs({ runMs: [36] });
    for (const slower of [1.4, 1.5, 1.6]) expect(lastBatchMs({ runMs: [36, 97], slower }) / alone).toBeLessThan(1.05);
  });

  it("use a weak one that takes nothing", () => {
    const alone = lastBatchMs({ runMs: [36] });
    expect(lastBatchMs({ runMs: [36, 97], slower: 1 }) / alone).toBeLessThan(0.8);
  });

  it("are used together where both are as quick", () => {
    const alone = lastBatchMs({ runMs: [36] });
    expect(lastBatchMs({ runMs: [36, 36], slower: 1.3 }) / alone).toBeLessThan(0.7);
  });
});

/** From the first call of the last batch to its last answer; the median of three. Units: ms. */
function lastBatchMs({ runMs, policy = earliestFinish, slower = SLOWER }: Machine): number {
  const memories = [0, ...runMs.map((_ms, at) => at + 1)];
  const rack: DataflowRack = {
    memories: memories.map((host) => ({ host })),
    classes: runMs.map(() => ({})),
    devices: runMs.map((_ms, at) => ({ class: at, memory: at + 1, host: at + 1, machine: 0 })),
    links: memories.flatMap((source) =>
      memories
        .filter((target) => target !== source)
        .map((target) => ({ source, target, latencyNs: 100_000, bytesPerSecond: 1e9, channel: source * memories.length + target })),
    ),
  };
  const stage: StageSpec = {
    stage: 0,
    operator: 0,
    variants: runMs.map((ms, at) => ({ class: at, priorNs: ms * MS, weightBytes: 1000, loadNs: 5 * MS, compileNs: 20 * MS })),
  };
  const { steps, violations } = runDataflow({
    config: { rack, limits: DATAFLOW_LIMITS, policy: DATAFLOW_POLICY_PARAMETERS },
    policy,
    truth: {
      ...declaredTruth(rack),
      runNs: ({ device, others }) => Math.ceil(runMs[device]! * MS * (others > 0 ? slower : 1)),
    },
    mishaps: NO_MISHAPS,
    script: [{ at: 0, event: { type: "stage-declared", stage } }],
    clients: [Array.from({ length: BATCHES }, (_batch, batch) => callsOf(batch)).flat()],
  });
  expect(violations).toEqual([]);
  const times = [1, 2, 3].map((back) => {
    const first = (BATCHES - back) * RUNS;
    const began = steps.find(({ event }) => event.type === "submitted" && event.first === first)!.now;
    const ends = steps.filter(({ commands }) =>
      commands.some((one) => one.type === "deliver" && one.handle >= first && one.handle < first + RUNS),
    );
    return (ends.at(-1)!.now - began) / MS;
  });
  return times.sort((a, b) => a - b)[1]!;
}

/** A batch of runs that need nothing of one another; it begins when all of the one before was delivered. */
function callsOf(batch: number): ScriptedCall[] {
  const handles = Array.from({ length: RUNS }, (_run, run) => batch * RUNS + run);
  return [
    ...handles.map((handle): ScriptedCall => {
      const after = batch === 0 ? {} : { after: { type: "deliver", of: handle - RUNS } as const };
      return { gapNs: 0, ...after, event: { type: "handle-declared", handle } };
    }),
    ...handles.flatMap((handle): ScriptedCall[] => [
      { gapNs: 0, event: { type: "submitted", first: handle, tasks: [{ stage: 0, accesses: [{ handle, mode: "write", bytes: 5000 }] }] } },
      { gapNs: 0, event: { type: "fetch", fetch: handle, handle } },
      { gapNs: 0, event: { type: "handle-released", handle } },
    ]),
  ];
}
