// Goal: whatever happens, the dataflow engine gives what sequential execution gives, within every limit, and leaves nothing behind. Method: random
// graphs on random racks under a virtual clock with hidden deviations and drawn mishaps, checked from outside; what the runs contain is counted.
import { describe, expect, test } from "vitest";
import { createDataflowEngine } from "../../src/engine/dataflow/dataflow-engine.ts";
import { runDataflow } from "../../src/simulate/dataflow/dataflow-run.ts";
import { firstDifference } from "../../src/simulate/dataflow/replay-dataflow.ts";
import { DATAFLOW_PHASES, type DataflowPhaseName, dataflowScenario } from "./dataflow-scenario.ts";
import { hostileDataflowPolicy } from "./hostile-dataflow-policy.ts";

const SEEDS = 55;
const PHASES = Object.keys(DATAFLOW_PHASES) as DataflowPhaseName[];

/** Least that the runs of a phase must contain, so that they test what they claim. */
const MEANT: Readonly<Record<DataflowPhaseName, Readonly<Record<string, number>>>> = {
  calm: { tasks: 1000, gangs: 50, relays: 50, fetches: 300, stolen: 10 },
  "tight memories": { evictions: 50, writeBacks: 20 },
  "residency limits": { unloads: 200 },
  failures: { stale: 100, failures: 50 },
  "lost hosts": { recoveries: 30, stale: 100, losses: 20, checkpoints: 50 },
  everything: { recoveries: 5, evictions: 20, unloads: 100, failures: 10, cancelled: 5 },
};

describe(`${SEEDS} runs each`, () => {
  test.each(PHASES)("%s", (phase) => {
    const seen: Record<string, number> = {};
    const count = (what: string, by = 1): void => {
      seen[what] = (seen[what] ?? 0) + by;
    };
    for (let seed = 0; seed < SEEDS; seed++) {
      const { violations, steps, engine, ended, fetched } = runDataflow(dataflowScenario(phase, seed));
      expect(violations, `dataflowScenario("${phase}", ${seed})`).toEqual([]);
      count("tasks", ended.size);
      count("fetches", fetched.size);
      for (const failure of ended.values()) if (failure?.code === "cancelled") count("cancelled");
      for (const [what, number] of Object.entries(engine.snapshot().counts)) if (typeof number === "number") count(what, number);
      for (const { event, commands } of steps) {
        if (event.type === "host-lost") count("losses");
        if (event.type === "task-failed" || event.type === "transfer-failed" || event.type === "load-failed") count("failures");
        for (const command of commands) {
          if (command.type === "unload") count("unloads");
          if (command.type === "start" && command.devices.length > 1) count("gangs");
          if (command.type === "transfer" && command.purpose === "relay") count("relays");
          if (command.type === "transfer" && command.purpose === "checkpoint") count("checkpoints");
        }
      }
    }
    const missing = Object.entries(MEANT[phase]).filter(([what, least]) => (seen[what] ?? 0) < least);
    expect(missing, JSON.stringify(seen)).toEqual([]);
  });
});

test("a hostile policy breaks nothing", () => {
  let refusals = 0;
  let fallbacks = 0;
  for (let seed = 0; seed < 20; seed++) {
    for (const phase of PHASES) {
      const { violations, engine } = runDataflow({ ...dataflowScenario(phase, seed), policy: hostileDataflowPolicy });
      expect(violations, `hostile, dataflowScenario("${phase}", ${seed})`).toEqual([]);
      const { counts } = engine.snapshot();
      refusals += counts.policyRefusals;
      fallbacks += counts.policyFallbacks;
    }
  }
  expect(refusals).toBeGreaterThan(100);
  expect(fallbacks).toBeGreaterThan(100);
});

test("the same events give the same commands, from the start and from a snapshot", () => {
  for (let seed = 0; seed < 10; seed++) {
    const input = dataflowScenario("everything", seed);
    const { steps } = runDataflow(input);
    expect(firstDifference(input, steps)).toBeUndefined();
    const half = steps.length >> 1;
    const engine = createDataflowEngine(input.config, input.policy);
    for (const { event, now } of steps.slice(0, half)) engine.step(event, now);
    expect(firstDifference({ ...input, from: engine.snapshot() }, steps.slice(half))).toBeUndefined();
    expect(runDataflow(dataflowScenario("everything", seed)).steps).toEqual(steps);
  }
});
