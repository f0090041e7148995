// Goal: work that comes again loses next to nothing to the best of one device alone and all devices, whatever no forecast knows. Method: virtual racks of two
// devices, drawn from seeds, on which messages to a device take their time and kinds of runs slow one another down in a way that is in no history; the last
// bouts of a closed loop are held against the same with each device alone and with all of them. Two faults are planted in the measurements.
import { describe, expect, it } from "vitest";
import { type PlantedFault, plantFault, WAY_FAULTS } from "../../base/planted-fault.ts";
import { seededPrng } from "../../base/prng.ts";
import { DATAFLOW_LIMITS, DATAFLOW_POLICY_PARAMETERS } from "../../engine/dataflow/dataflow-config.ts";
import type { DataflowRack, StageSpec, TaskSpec } from "../../engine/dataflow/dataflow-types.ts";
import { earliestFinish } from "../../policy/policies/earliest-finish.ts";
import { NO_MISHAPS } from "./dataflow-mishaps.ts";
import { type DataflowOutcome, type DataflowRunInput, runDataflow } from "./dataflow-run.ts";
import { type DataflowTruth, declaredTruth } from "./dataflow-truth.ts";
import { firstDifference } from "./replay-dataflow.ts";
import type { ScriptedCall } from "./scripted-client.ts";

const BOUTS = 30;
/** Without comparisons times are what they stay sooner. */
const BOUTS_ALONE = 12;
/** The last so many are looked at. */
const LOOKED_AT = 8;
const US = 1_000;
const SEEDS = 12;
/** What a way may lose to the best one. */
const REGRET_MAX = 1.05;

interface Case {
  readonly tasks: number;
  /** Each run takes what the one before made. */
  readonly chain: boolean;
  /** By kind and device. Units: us. */
  readonly runUs: readonly (readonly number[])[];
  /** By kind: times as long beside a run of another device. */
  readonly slower: readonly number[];
  /** From the end of a run until the engine knows, by device. Units: us. */
  readonly answerUs: readonly number[];
}

function caseOf(seed: number): Case {
  const { nextFloat, nextBelow } = seededPrng(seed);
  const between = (from: number, to: number): number => from + nextFloat() * (to - from);
  const kinds = 1 + nextBelow(2);
  return {
    tasks: 8 + nextBelow(16),
    chain: seed % 2 === 0,
    runUs: Array.from({ length: kinds }, () => {
      const us = between(60, 600);
      return [us, us * between(0.8, 1.25)];
    }),
    slower: Array.from({ length: kinds }, () => between(1, 2.8)),
    answerUs: [between(10, 300), between(10, 300)],
  };
}

describe("work that comes again", () => {
  it("loses at most a twentieth to the best of all devices and each alone, where all of them lose far more", () => {
    const losses = CASES.map(({ one, mixedUs, bestUs }) => ({ mixed: mixedUs / bestUs, measured: lastUs(run(one, COMPARED)) / bestUs }));
    expect(losses.filter(({ measured }) => measured > REGRET_MAX)).toEqual([]);
    expect(losses.filter(({ mixed }) => mixed > REGRET_MAX).length).toBeGreaterThanOrEqual(SEEDS / 4);
  });

  it("loses no more where every fourth time a little of the work is missing", () => {
    const losses = CASES.map(({ one, bestUs }) => lastUs(run(one, { ...COMPARED, cut: true })) / bestUs);
    expect(losses.filter((loss) => loss > REGRET_MAX)).toEqual([]);
  });

  it.each(Object.keys(WAY_FAULTS) as PlantedFault[])("loses more with a planted fault: %s", (fault) => {
    const hit = CASES.filter(({ mixedUs, bestUs }) => mixedUs > REGRET_MAX * bestUs).slice(0, 2);
    plantFault(fault);
    try {
      expect(Math.max(...hit.map(({ one, bestUs }) => lastUs(run(one, COMPARED)) / bestUs))).toBeGreaterThan(REGRET_MAX);
    } finally {
      plantFault(undefined);
    }
  });

  it("says which way it goes and why, and decides the same again", () => {
    const { one } = CASES.find(({ mixedUs, bestUs }) => mixedUs > REGRET_MAX * bestUs)!;
    const input = inputOf(one, COMPARED);
    const { steps } = runDataflow(input);
    const said = steps.flatMap(({ commands }) => commands.filter((command) => command.type === "way-chosen"));
    expect(new Set(said.map(({ reason }) => reason))).toEqual(new Set(["trial", "quickest", "check"]));
    const settled = said.filter(({ reason }) => reason === "quickest").at(-1)!;
    expect(settled.device).toBeGreaterThanOrEqual(0);
    const [mixed, ...alone] = settled.ways;
    expect(mixed).toMatchObject({ device: -1 });
    expect(alone.find(({ device }) => device === settled.device)).toMatchObject({ ratio: 1 });
    expect(mixed!.ratio).toBeGreaterThan(1.03);
    expect(firstDifference(input, steps)).toBeUndefined();
  });
});

const COMPARED: Running = { compareWays: true };

interface Held {
  readonly one: Case;
  readonly mixedUs: number;
  readonly bestUs: number;
}

const CASES = Array.from({ length: SEEDS }, (_, seed): Held => {
  const one = caseOf(seed);
  const [mixedUs, ...aloneUs] = [undefined, 0, 1].map((only) => lastUs(run(one, { compareWays: false, only }))) as [number, number, number];
  return { one, mixedUs, bestUs: Math.min(mixedUs, ...aloneUs) };
});

function lastUs({ violations, steps }: DataflowOutcome): number {
  expect(violations).toEqual([]);
  const times: number[] = [];
  let began: number | undefined;
  for (const { event, now } of steps) {
    if (event.type === "submitted" && began === undefined) began = now;
    if (event.type !== "delivered" || began === undefined) continue;
    times.push((now - began) / US);
    began = undefined;
  }
  const last = times.slice(-LOOKED_AT).sort((a, b) => a - b);
  return last[last.length >> 1]!;
}

interface Running {
  readonly compareWays: boolean;
  /** Every fourth bout has a task less. */
  readonly cut?: boolean;
  /** The other device is not there. */
  readonly only?: number | undefined;
}

function run(one: Case, running: Running): DataflowOutcome {
  return runDataflow(inputOf(one, running));
}

function inputOf(one: Case, { compareWays, cut = false, only }: Running): DataflowRunInput {
  const memories = [0, 1, 2];
  const rack: DataflowRack = {
    memories: memories.map((host) => ({ host })),
    classes: [{}, {}],
    devices: [0, 1].map((device) => ({
      class: device,
      memory: device + 1,
      host: device + 1,
      machine: 0,
      present: only === undefined || only === device,
    })),
    links: memories.flatMap((source) =>
      memories
        .filter((target) => target !== source)
        .map((target) => ({ source, target, latencyNs: 20 * US, bytesPerSecond: 1e9, channel: source * 3 + target })),
    ),
  };
  const declared = declaredTruth(rack);
  const truth: DataflowTruth = {
    ...declared,
    runNs: ({ stage, device, others }) => Math.ceil(one.runUs[stage.stage]![device]! * US * (others > 0 ? one.slower[stage.stage]! : 1)),
    runAnswerNs: (device) => Math.ceil(one.answerUs[device]! * US),
  };
  return {
    config: { rack, limits: DATAFLOW_LIMITS, policy: DATAFLOW_POLICY_PARAMETERS, compareWays },
    policy: earliestFinish,
    truth,
    mishaps: NO_MISHAPS,
    script: one.runUs.map((us, stage) => ({ at: 0, event: { type: "stage-declared", stage: stageOf(stage, us) } as const })),
    clients: [
      Array.from({ length: compareWays ? BOUTS : BOUTS_ALONE }, (_, bout) =>
        callsOf(one, bout, cut && bout % 4 === 2 ? one.tasks - 1 : one.tasks),
      ).flat(),
    ],
  };
}

function stageOf(stage: number, runUs: readonly number[]): StageSpec {
  const variants = runUs.map((us, at) => ({ class: at, priorNs: us * US, weightBytes: 1_000, loadNs: 500 * US, compileNs: 0 }));
  return { stage, operator: stage, variants };
}

/** Runs of a bout, all at once; the last thing is asked for, and the next bout begins when it is there. */
function callsOf({ tasks: tasksMax, chain, runUs }: Case, bout: number, tasks: number): ScriptedCall[] {
  const first = bout * (tasksMax + 1);
  const handles = Array.from({ length: tasks + 1 }, (_, at) => first + at);
  const [end] = handles.slice(-1) as [number];
  const specs = Array.from({ length: tasks }, (_, at): TaskSpec => {
    const made = { handle: first + at, mode: "write", bytes: 200 } as const;
    return { stage: at % runUs.length, accesses: chain && at > 0 ? [{ handle: first + at - 1, mode: "read" }, made] : [made] };
  });
  const all: TaskSpec = {
    stage: 0,
    accesses: [
      ...handles.slice(chain ? tasks - 1 : 0, tasks).map((handle) => ({ handle, mode: "read" as const })),
      { handle: end, mode: "write", bytes: 200 },
    ],
  };
  const after = bout === 0 ? {} : { after: { type: "deliver", of: bout - 1 } as const };
  return [
    ...handles.map((handle): ScriptedCall => ({ gapNs: 50 * US, ...after, event: { type: "handle-declared", handle } })),
    ...[...specs, all].map((task, at): ScriptedCall => ({ gapNs: 0, event: { type: "submitted", first: first + at, tasks: [task] } })),
    { gapNs: 0, event: { type: "fetch", fetch: bout, handle: end } },
    ...handles.map((handle): ScriptedCall => ({ gapNs: 0, event: { type: "handle-released", handle } })),
  ];
}
