// Goal: the checks of the clean runs can fail. Method: every planted bug is switched on in every phase; the same seeds must catch it.
import { expect, test } from "vitest";
import { PLANTED_FAULTS, type PlantedFault } from "../../src/base/planted-fault.ts";
import { checkedRun } from "./checked-run.ts";
import { PHASES, type Phase, scenario } from "./scenario.ts";

const SEEDS = 40;
/** Seeds that together catch every bug of their phase soon, tried before the others: most runs that catch nothing are spared. */
const KNOWN: Readonly<Record<Phase, readonly number[]>> = {
  steady: [1, 3],
  "prefill burst": [3, 1, 15],
  "memory pressure": [0, 3, 25],
  "host loss": [2, 4, 5],
  "lossy network": [1, 3, 6],
  "cancel storm": [0, 2, 1],
  "slow device": [0, 3, 2],
  drain: [4, 18],
  "hostile policy": [8, 1, 4],
};
const FAULTS = Object.keys(PLANTED_FAULTS) as PlantedFault[];
const NAMES = Object.keys(PHASES) as Phase[];

/** The first seed that catches a bug, or none. */
function caughtBy(fault: PlantedFault, phase: Phase): number | undefined {
  // Only what differs between a run and its replay needs the replay.
  const withoutReplay = fault !== "clock-in-decision";
  const seeds = new Set([...KNOWN[phase], ...Array.from({ length: SEEDS }, (_, seed) => seed)]);
  return [...seeds].find((seed) => checkedRun(scenario(phase, seed), { fault, withoutReplay }).violations.length > 0);
}

test("there are at least 15 planted bugs", () => {
  expect(FAULTS.length).toBeGreaterThanOrEqual(15);
});

test("every planted bug is caught in every phase", () => {
  const cells = FAULTS.map((fault) => NAMES.map((phase) => caughtBy(fault, phase)));
  const width = Math.max(...FAULTS.map((fault) => fault.length)) + 2;
  const line = (head: string, row: readonly string[]): string => head.padEnd(width) + row.map((cell) => cell.padStart(16)).join("");
  const rows = cells.map((row, i) =>
    line(
      FAULTS[i]!,
      row.map((seed) => (seed === undefined ? "none" : String(seed))),
    ),
  );
  console.log([`a seed below ${SEEDS} that caught it`, line("", NAMES), ...rows].join("\n"));
  const missed = cells.flatMap((row, i) => row.flatMap((seed, j) => (seed === undefined ? [`${FAULTS[i]} in ${NAMES[j]}`] : [])));
  expect(missed).toEqual([]);
}, 240_000);
