import type { Basis } from "../../cost/estimate.ts";
import type { StepShape } from "../../cost/step-cost.ts";
import type { PricedStepCost } from "../../cost/step-cost-from.ts";
import { shapeOf } from "../../engine/step-shape.ts";
import type { RunWatcher } from "../run/watcher.ts";

/** Steps looked at: each as likely as another, by taking every second one only once there are too many. */
const SAMPLES_MAX = 128;
/** A basis counts for a run when this share of its step time rests on it or worse. */
const SHARE_MIN = 0.05;
const WORST_FIRST: readonly Basis[] = ["extrapolated", "data-sheet", "interpolated", "measured"];

/** Finds out what the step times of a run rest on. */
export function createBasisWatcher(costs: readonly PricedStepCost[]): { readonly watcher: RunWatcher; basis(): Basis } {
  let samples: { readonly replica: number; readonly shape: StepShape }[] = [];
  let stride = 1;
  let seen = 0;
  const watcher: RunWatcher = {
    replicaStepped: ({ replica }, { commands }) => {
      for (const command of commands) {
        if (command.type !== "start-task" || command.step.rows.length === 0 || seen++ % stride !== 0) continue;
        samples.push({ replica, shape: shapeOf(command.step) });
        if (samples.length < SAMPLES_MAX) continue;
        samples = samples.filter((_, i) => i % 2 === 0);
        stride *= 2;
      }
    },
  };
  return {
    watcher,
    basis: () => worstBasis(samples.map(({ replica, shape }) => costs[replica]?.step(shape)).filter((step) => step !== undefined)),
  };
}

function worstBasis(steps: readonly { readonly ns: number; readonly basis: Basis }[]): Basis {
  const total = steps.reduce((sum, step) => sum + step.ns, 0);
  let resting = 0;
  for (const basis of WORST_FIRST) {
    for (const step of steps) if (step.basis === basis) resting += step.ns;
    if (resting > total * SHARE_MIN) return basis;
  }
  return "measured";
}
