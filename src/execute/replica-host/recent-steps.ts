import type { PricedStepCost } from "../../cost/step-cost-from.ts";
import { type ObservedStep, type StepWatch, watchSteps } from "../calibrate/watch-steps.ts";

/** Iterations a host keeps until they are asked for; older ones are forgotten. */
const STEPS_KEPT = 4096;

/** The iterations of a host since they were last asked for. */
export interface RecentSteps extends Omit<StepWatch, "finished"> {
  finished(...task: Parameters<StepWatch["finished"]>): void;
  /** Gives them out, in order, and forgets them. */
  take(): readonly ObservedStep[];
}

export function createRecentSteps(cost: PricedStepCost): RecentSteps {
  const watch = watchSteps(cost);
  let steps: ObservedStep[] = [];
  return {
    ...watch,
    finished: (...task) => {
      const step = watch.finished(...task);
      if (step === undefined) return;
      steps.push(step);
      // Halved now and then, since taking off the front one by one would move all of them each time.
      if (steps.length >= 2 * STEPS_KEPT) steps = steps.slice(-STEPS_KEPT);
    },
    take: () => {
      const taken = steps.slice(-STEPS_KEPT);
      steps = [];
      return taken;
    },
  };
}
