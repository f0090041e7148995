// Goal: the checks of the clean runs can fail. Method: every planted bug is switched on in every phase; the same seeds must catch it.
import { expect, test } from "vitest";
import { PLANTED_FAULTS, type PlantedFault } from "../../src/base/planted-fault.ts";
import { checkedRun } from "./checked-run.ts";
import { PHASES, type Phase, scenario } from "./scenario.ts";

const SEEDS = 40;
/** A cell is settled once this many runs caught the bug. */
const ENOUGH = 2;
const FAULTS = Object.keys(PLANTED_FAULTS) as PlantedFault[];
const NAMES = Object.keys(PHASES) as Phase[];

interface Cell {
  readonly caught: number;
  readonly runs: number;
}

function cellOf(fault: PlantedFault, phase: Phase): Cell {
  let caught = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    // Only what differs between a run and its replay needs the replay.
    const withoutReplay = fault !== "clock-in-decision";
    if (checkedRun(scenario(phase, seed), { fault, withoutReplay }).violations.length > 0) caught++;
    if (caught === ENOUGH) return { caught, runs: seed + 1 };
  }
  return { caught, runs: SEEDS };
}

test("there are at least 15 planted bugs", () => {
  expect(FAULTS.length).toBeGreaterThanOrEqual(15);
});

test("every planted bug is caught in every phase", () => {
  const cells = FAULTS.map((fault) => NAMES.map((phase) => cellOf(fault, phase)));
  const width = Math.max(...FAULTS.map((fault) => fault.length)) + 2;
  const line = (head: string, row: readonly string[]): string => head.padEnd(width) + row.map((cell) => cell.padStart(16)).join("");
  const rows = cells.map((row, i) =>
    line(
      FAULTS[i]!,
      row.map(({ caught, runs }) => `${caught} of ${runs}`),
    ),
  );
  console.log([`runs that caught it, of the first so many seeds (up to ${ENOUGH} of ${SEEDS})`, line("", NAMES), ...rows].join("\n"));
  const missed = cells.flatMap((row, i) => row.flatMap(({ caught }, j) => (caught === 0 ? [`${FAULTS[i]} in ${NAMES[j]}`] : [])));
  expect(missed).toEqual([]);
}, 240_000);
