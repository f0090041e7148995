// Goal: each checker of the dataflow runs can fail. Method: every planted bug is switched on; the same random runs must catch it, and the table says
// which checker did.
import { expect, test } from "vitest";
import { DATAFLOW_FAULTS, type PlantedFault, plantFault } from "../../src/base/planted-fault.ts";
import { runDataflow } from "../../src/simulate/dataflow/dataflow-run.ts";
import { DATAFLOW_CHECKS, type DataflowCheck } from "../../src/simulate/dataflow/dataflow-violation.ts";
import { firstDifference } from "../../src/simulate/dataflow/replay-dataflow.ts";
import { DATAFLOW_PHASES, type DataflowPhaseName, dataflowScenario } from "./dataflow-scenario.ts";

const SEEDS = 40;
const PHASES = Object.keys(DATAFLOW_PHASES) as DataflowPhaseName[];
const FAULTS = Object.keys(DATAFLOW_FAULTS) as (keyof typeof DATAFLOW_FAULTS)[];

function catcherOf(fault: PlantedFault, phase: DataflowPhaseName, seed: number): DataflowCheck | undefined {
  plantFault(fault);
  try {
    const input = dataflowScenario(phase, seed);
    const { violations, steps } = runDataflow(input);
    if (violations.length > 0) return violations[0]!.check;
    return fault === "hidden-choice" && firstDifference(input, steps) !== undefined ? "replay" : undefined;
  } finally {
    plantFault(undefined);
  }
}

function firstCatch(fault: PlantedFault): { check: DataflowCheck | undefined; runs: number } {
  let runs = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    for (const phase of PHASES) {
      runs++;
      const check = catcherOf(fault, phase, seed);
      if (check !== undefined) return { check, runs };
    }
  }
  return { check: undefined, runs };
}

test("every planted bug is caught", () => {
  const rows = FAULTS.map((fault) => ({ fault, ...firstCatch(fault) }));
  console.log(rows.map(({ fault, check, runs }) => `${fault.padEnd(22)} ${check ?? "nothing"} (run ${runs})`).join("\n"));
  expect(rows.filter(({ check }) => check === undefined).map(({ fault }) => fault)).toEqual([]);
  const used = new Set(rows.map(({ check }) => check));
  expect((Object.keys(DATAFLOW_CHECKS) as DataflowCheck[]).filter((check) => !used.has(check))).toEqual([]);
}, 120_000);
