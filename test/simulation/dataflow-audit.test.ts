// Goal: the books of values, lineage and memories say what is so. Method: every count is made anew from who refers to what, over
// random runs with everything in them; altered books are shown to be noticed.
import { expect, test } from "vitest";
import { createDataflowEngine } from "../../src/engine/dataflow/dataflow-engine.ts";
import { auditDataflow } from "../../src/simulate/dataflow/audit-dataflow.ts";
import { runDataflow } from "../../src/simulate/dataflow/dataflow-run.ts";
import { DATAFLOW_PHASES, type DataflowPhaseName, dataflowScenario } from "./dataflow-scenario.ts";

const SEEDS = 1;
/** A copy of the whole state an event takes time: every so many, at another place in each run. */
const EVERY = 9;

test("the books are right after events of every kind", () => {
  for (const phase of Object.keys(DATAFLOW_PHASES) as DataflowPhaseName[]) {
    for (let seed = 100; seed < 100 + SEEDS; seed++) {
      const input = dataflowScenario(phase, seed);
      const { steps } = runDataflow(input);
      const engine = createDataflowEngine(input.config, input.policy);
      for (const [index, { event, now }] of steps.entries()) {
        engine.step(event, now);
        if ((index + seed) % EVERY !== 0) continue;
        expect(auditDataflow(engine.snapshot(), input.config.rack), `${phase}, ${seed}, event ${index}: ${event.type}`).toEqual([]);
      }
    }
  }
});

test("books that are wrong are noticed", () => {
  const input = dataflowScenario("tight memories", 100);
  const { steps } = runDataflow(input);
  const engine = createDataflowEngine(input.config, input.policy);
  for (const { event, now } of steps.slice(0, steps.length >> 1)) engine.step(event, now);
  const faultsOf = (alter: (state: ReturnType<typeof engine.snapshot>) => void): number => {
    const state = engine.snapshot();
    alter(state);
    return auditDataflow(state, input.config.rack).length;
  };
  expect(faultsOf(() => {})).toBe(0);
  for (const name of ["readers", "lineageRefs", "held"] as const) {
    expect(faultsOf(({ values }) => [...values.values()][0]![name]++)).toBeGreaterThan(0);
  }
  expect(faultsOf(({ storages }) => [...storages.values()][0]!.live++)).toBeGreaterThan(0);
  expect(faultsOf(({ memories }) => memories[0]!.used++)).toBeGreaterThan(0);
  expect(faultsOf(({ values }) => values.delete([...values.keys()][0]!))).toBeGreaterThan(0);
});
