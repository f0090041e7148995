// Goal: whatever happens, the dataflow engine gives what sequential execution gives, within every limit, and leaves nothing behind. Method: random
// graphs on random racks under a virtual clock with hidden deviations and drawn mishaps, checked from outside.
import { describe, expect, test } from "vitest";
import { runDataflow } from "../../src/simulate/dataflow/dataflow-run.ts";
import { DATAFLOW_PHASES, type DataflowPhaseName, dataflowScenario } from "./dataflow-scenario.ts";

const SEEDS = 400;

describe(`${SEEDS} runs each`, () => {
  test.each(Object.keys(DATAFLOW_PHASES) as DataflowPhaseName[])("%s", (phase) => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const { violations } = runDataflow(dataflowScenario(phase, seed));
      expect(violations, `dataflowScenario("${phase}", ${seed})`).toEqual([]);
    }
  });
});
