// Goal: on fault-free runs with ample memory, after learning, the makespan is near what no schedule can beat. Method: random graphs on racks of unlike
// devices with hidden deviations; the bound knows the true times and counts no transfers.
import { expect, test } from "vitest";
import { type Prng, seededPrng } from "../../src/base/prng.ts";
import { DATAFLOW_LIMITS, DATAFLOW_POLICY_PARAMETERS, type DataflowConfig } from "../../src/engine/dataflow/dataflow-config.ts";
import type { ClientEvent, DataflowRack, StageSpec, TaskSpec } from "../../src/engine/dataflow/dataflow-types.ts";
import { type Learned, startingState } from "../../src/engine/dataflow/learned-state.ts";
import type { DataflowPolicy } from "../../src/policy/dataflow-policy.ts";
import { earliestFinish } from "../../src/policy/policies/earliest-finish.ts";
import { NO_MISHAPS } from "../../src/simulate/dataflow/dataflow-mishaps.ts";
import { type DataflowOutcome, runDataflow } from "../../src/simulate/dataflow/dataflow-run.ts";
import { type DataflowTruth, deviatingTruth } from "../../src/simulate/dataflow/dataflow-truth.ts";
import { makespanBound } from "../../src/simulate/dataflow/makespan-bound.ts";
import { hostileDataflowPolicy } from "./hostile-dataflow-policy.ts";

const GROUPS = 6;
const GROUP_SEEDS = 50;
/** Of every graph; measured: 1.046 at the median, 1.260 at most. Of 600 other graphs 599 keep it; for the other one a long search finds 1.27. */
const RATIO_MAX = 1.3;
const TRAINING_RUNS = 3;

interface Case {
  readonly config: DataflowConfig;
  readonly stages: readonly StageSpec[];
  readonly tasks: readonly TaskSpec[];
  readonly after: readonly (readonly number[])[];
  readonly truth: DataflowTruth;
}

function caseOf(seed: number): Case {
  const prng = seededPrng(seed + 1_000);
  const rack = rackOf(prng);
  const stages = Array.from({ length: 2 + prng.nextBelow(4) }, (_, stage): StageSpec => {
    const variants = rack.classes.map((__, deviceClass) => ({
      class: deviceClass,
      priorNs: 100_000 + prng.nextBelow(900_000),
      weightBytes: 0,
      loadNs: 0,
      compileNs: 0,
    }));
    return { stage, operator: stage, variants: variants.filter((__, i) => i === stage % variants.length || prng.nextBelow(4) > 0) };
  });
  const count = 40 + prng.nextBelow(100);
  const reach = 4 + prng.nextBelow(30);
  const after = Array.from({ length: count }, (_, i) =>
    i === 0 ? [] : [...new Set(Array.from({ length: prng.nextBelow(4) }, () => Math.max(0, i - 1 - prng.nextBelow(reach))))],
  );
  const tasks = after.map((before, i): TaskSpec => {
    const reads = before.map((handle) => ({ handle, mode: "read" as const }));
    return { stage: prng.nextBelow(stages.length), accesses: [...reads, { handle: i, mode: "write", bytes: 1 + prng.nextBelow(20_000) }] };
  });
  const config = { rack, limits: { ...DATAFLOW_LIMITS }, policy: DATAFLOW_POLICY_PARAMETERS };
  return { config, stages, tasks, after, truth: deviatingTruth(rack, { seed }) };
}

function rackOf(prng: Prng): DataflowRack {
  const classes = Array.from({ length: 1 + prng.nextBelow(4) }, () => ({}));
  const count = classes.length + prng.nextBelow(8);
  const devices = Array.from({ length: count }, (_, i) => ({
    class: i < classes.length ? i : prng.nextBelow(classes.length),
    memory: i + 1,
    host: i + 1,
  }));
  const memories = [{ host: 0 }, ...devices.map(({ host }) => ({ host }))];
  const links = memories.flatMap((_, source) =>
    memories.flatMap((__, target) =>
      source === target ? [] : [{ source, target, latencyNs: 2_000, bytesPerSecond: 2e9, channel: source * memories.length + target }],
    ),
  );
  return { memories, classes, devices, links };
}

interface RunOptions {
  readonly exploreSamples: number;
  readonly policy?: DataflowPolicy;
}

function learnedOf(one: Case): Learned {
  let learned: Learned | undefined;
  for (let i = 0; i < TRAINING_RUNS; i++) learned = run(one, learned, { exploreSamples: 2 }).engine.snapshot();
  return learned!;
}

function run(one: Case, learned: Learned | undefined, { exploreSamples, policy = earliestFinish }: RunOptions): DataflowOutcome {
  const config = { ...one.config, policy: { ...one.config.policy, exploreSamples } };
  const declared: ClientEvent[] = [
    ...one.stages.map((stage): ClientEvent => ({ type: "stage-declared", stage })),
    ...one.tasks.map((_, handle): ClientEvent => ({ type: "handle-declared", handle })),
    { type: "submitted", first: 0, tasks: one.tasks },
    ...one.tasks.map((_, handle): ClientEvent => ({ type: "handle-released", handle })),
  ];
  const script = declared.map((event) => ({ at: 0, event }));
  const from = startingState(config, learned);
  return runDataflow({ config, policy, truth: one.truth, mishaps: NO_MISHAPS, script, from });
}

function boundOf({ config, stages, tasks, after, truth }: Case): number {
  const { rack } = config;
  const classNs = stages.map((stage) =>
    rack.classes.map((_, deviceClass) => {
      const variant = stage.variants.findIndex((one) => one.class === deviceClass);
      return variant < 0 ? Infinity : truth.runNs({ stage, variant, device: 0, work: 1, footprint: 0, run: 0, others: 0 });
    }),
  );
  const bounded = tasks.map(({ stage }, i) => ({ classNs: classNs[stage]!, gang: 1, after: after[i]! }));
  const devices = rack.classes.map((_, deviceClass) => rack.devices.filter((device) => device.class === deviceClass).length);
  const { pathNs, workNs } = makespanBound(bounded, devices);
  return Math.max(pathNs, workNs);
}

test.for(Array.from({ length: GROUPS }, (_, group) => group * GROUP_SEEDS))(
  `makespan of ${GROUP_SEEDS} learned runs from seed %i on`,
  (first) => {
    const ratios: { readonly seed: number; readonly ratio: number }[] = [];
    for (let seed = first; seed < first + GROUP_SEEDS; seed++) {
      const one = caseOf(seed);
      const outcome = run(one, learnedOf(one), { exploreSamples: 0 });
      expect(outcome.violations).toEqual([]);
      ratios.push({ seed, ratio: outcome.endNs / boundOf(one) });
    }
    ratios.sort((a, b) => a.ratio - b.ratio);
    const at = (share: number): string => ratios[Math.floor(share * (GROUP_SEEDS - 1))]!.ratio.toFixed(3);
    const worst = ratios.slice(-4).map(({ seed, ratio }) => `${ratio.toFixed(3)} (seed ${seed})`);
    console.log(`makespan / bound: median ${at(0.5)}, 90 % ${at(0.9)}, worst ${worst.join(", ")}`);
    expect(ratios[0]!.ratio).toBeGreaterThanOrEqual(1);
    expect(ratios.filter(({ ratio }) => ratio > RATIO_MAX)).toEqual([]);
  },
);

test("schedules in no order at all, and what is no schedule, end all the same", () => {
  let scheduled = 0;
  let refused = 0;
  const policy: DataflowPolicy = {
    ...hostileDataflowPolicy,
    schedule: (batch) => {
      const schedule = hostileDataflowPolicy.schedule?.(batch);
      scheduled++;
      return schedule;
    },
  };
  for (let seed = 0; seed < 20; seed++) {
    const one = caseOf(seed);
    const { violations, engine } = run(one, learnedOf(one), { exploreSamples: 0, policy });
    expect({ seed, violations }).toEqual({ seed, violations: [] });
    const { policyRefusals, policyFallbacks } = engine.snapshot().counts;
    refused += policyRefusals + policyFallbacks;
  }
  expect(scheduled).toBeGreaterThanOrEqual(8);
  expect(refused).toBeGreaterThan(100);
});
