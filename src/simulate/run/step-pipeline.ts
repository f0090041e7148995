import { must } from "../../base/assert.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { Clock } from "../../clock/clock.ts";
import type { StepCost } from "../../cost/step-cost.ts";
import type { StepTask } from "../../engine/replica-engine-types.ts";
import { rowsOf, shapeOf } from "../../engine/step-shape.ts";
import type { VirtualDevices } from "./virtual-device.ts";

/** Runs the iterations of one host over its stages' devices. */
export interface StepPipeline {
  /** `done` gets the busy time of each stage once the last one has handed over. */
  run(step: StepTask, done: (stageNs: readonly Nanoseconds[]) => void): void;
  /** The host is gone: nothing of it is done any more. */
  stop(): void;
}

export interface StepPipelineOptions {
  readonly cost: StepCost;
  readonly devices: VirtualDevices;
  /** Device of each stage. */
  readonly stageDevices: readonly string[];
  /** Factor on the next step time: the run's systematic part times a draw of noise. */
  readonly drawFactor: () => number;
}

/** Runs steps through the stages of a replica, each on its device for the time the cost model says, with the times between stages. */
export function createStepPipeline(clock: Clock, options: StepPipelineOptions): StepPipeline {
  const { cost, devices, stageDevices, drawFactor } = options;
  const owner = {};
  let stopped = false;
  const run = (step: StepTask, done: (stageNs: readonly Nanoseconds[]) => void): void => {
    const shape = shapeOf(step);
    const rows = rowsOf(step);
    const stageNs: Nanoseconds[] = [];
    const enter = (stage: number): void => {
      const last = stage === stageDevices.length - 1;
      const durationNs = Math.round(cost.stageNs(stage, shape) * drawFactor());
      devices.submit(must(stageDevices[stage], "every stage has a device"), {
        owner,
        durationNs,
        done: (tookNs) => {
          stageNs.push(tookNs);
          const handOverNs = Math.round(cost.handOverNs(stage, last ? shape.sampledRows : rows));
          clock.schedule(clock.now() + handOverNs, () => {
            if (stopped) return;
            if (last) done(stageNs);
            else enter(stage + 1);
          });
        },
      });
    };
    enter(0);
  };
  return {
    run,
    stop: () => {
      stopped = true;
      devices.drop(owner);
    },
  };
}
