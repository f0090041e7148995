import { type PlantedFault, plantFault } from "../../src/base/planted-fault.ts";
import { createInvariantChecker } from "../../src/simulate/check/invariant-checker.ts";
import type { Violation } from "../../src/simulate/check/violation.ts";
import type { RunInput } from "../../src/simulate/run/run-input.ts";
import { type RunOutcome, virtualRun } from "../../src/simulate/run/virtual-run.ts";
import type { RunWatcher } from "../../src/simulate/run/watcher.ts";

export interface CheckedRunOptions {
  readonly fault?: PlantedFault;
  readonly withoutReplay?: boolean;
  readonly watcher?: RunWatcher;
}

/** A run with all checkers on, and one planted bug or none; it ends at the first violation. */
export function checkedRun(
  input: RunInput,
  options: CheckedRunOptions = {},
): { readonly outcome: RunOutcome; readonly violations: readonly Violation[] } {
  const { fault, withoutReplay = false, watcher } = options;
  const checker = createInvariantChecker(input, { withoutReplay });
  const watchers = watcher === undefined ? checker.watchers : [...checker.watchers, watcher];
  plantFault(fault);
  try {
    const outcome = virtualRun({ ...input, watchers, stop: () => checker.violations.length > 0 });
    return { outcome, violations: checker.violations };
  } finally {
    plantFault(undefined);
  }
}
