import { type PlantedFault, plantFault } from "../../src/base/planted-fault.ts";
import { createInvariantChecker } from "../../src/simulate/check/invariant-checker.ts";
import type { Violation } from "../../src/simulate/check/violation.ts";
import type { RunInput } from "../../src/simulate/run/run-input.ts";
import { type RunOutcome, virtualRun } from "../../src/simulate/run/virtual-run.ts";

/** A run with all checkers on, and one planted bug or none. */
export function checkedRun(
  input: RunInput,
  fault?: PlantedFault,
): { readonly outcome: RunOutcome; readonly violations: readonly Violation[] } {
  const checker = createInvariantChecker(input);
  plantFault(fault);
  try {
    const outcome = virtualRun({ ...input, watchers: checker.watchers });
    return { outcome, violations: checker.violations };
  } finally {
    plantFault(undefined);
  }
}
