import type { Nanoseconds } from "../../base/units.ts";
import type { Clock, ClockTimer } from "../../clock/clock.ts";
import type { FromReplica, ToReplica } from "../../engine/messages.ts";
import type { StepTask, TaskId } from "../../engine/replica-engine-types.ts";
import type { ReplicaNodeInput } from "../../fleet/node-types.ts";
import type { ReplicaNode } from "../../fleet/replica-node.ts";
import type { Frame } from "../../fleet/session.ts";
import type { StepPipeline } from "./step-pipeline.ts";
import type { SyntheticContent } from "./synthetic-content.ts";

/** One life of a replica's host process: its node, and the executor that does what the node commands. */
export interface VirtualHost {
  takeFrame(frame: Frame<ToReplica>): void;
  /** The next task that starts, or the next one that gathers sealed blocks, fails in its first stage. */
  failNextTask(gathering: boolean): void;
  /** Ends the process: all its state is lost. */
  end(): void;
}

export interface VirtualHostOptions {
  readonly node: ReplicaNode;
  readonly pipeline: StepPipeline;
  readonly content: SyntheticContent;
  readonly sendFrame: (frame: Frame<FromReplica>) => void;
  /** The node has given up on the fleet. */
  readonly orphaned: () => void;
  /** Runs what may break a promise of the node. */
  readonly guard: (run: () => void) => void;
}

/** Time from the failure of a device to the event that reports it. */
const FAILURE_NOTICE_NS: Nanoseconds = 100_000;

/** A host in virtual time: its node, driven by messages, timers and the ends of steps, until it is killed. */
export function startVirtualHost(clock: Clock, options: VirtualHostOptions): VirtualHost {
  const { node, pipeline, content, guard } = options;
  let alive = true;
  let failNext: "none" | "any" | "gathering" = "none";
  let wake: ClockTimer | undefined;

  const handle = (input: ReplicaNodeInput): void => {
    if (!alive) return;
    guard(() => {
      for (const output of node.handle(input, clock.now())) {
        if (!alive) return;
        switch (output.type) {
          case "frame":
            options.sendFrame(output.frame);
            break;
          case "start-task":
            startTask(output.task, output.step);
            break;
          case "wake":
            wake?.cancel();
            wake = clock.schedule(output.at, () => handle({ type: "tick" }));
            break;
          case "orphaned":
            options.orphaned();
            break;
        }
      }
    });
  };

  const startTask = (task: TaskId, step: StepTask): void => {
    const { samples, sealedKeys } = content.apply(step);
    const gathers = step.opens.some((open) => open.gather.length > 0);
    if (failNext === "any" || (failNext === "gathering" && gathers)) {
      failNext = "none";
      const failed = { type: "task-failed", task, detail: "the device failed" } as const;
      clock.schedule(clock.now() + FAILURE_NOTICE_NS, () => handle({ type: "event", event: failed }));
      return;
    }
    pipeline.run(step, (stageNs) => {
      handle({ type: "event", event: { type: "task-finished", task, stageNs, samples, sealedKeys } });
    });
  };

  handle({ type: "tick" });
  return {
    takeFrame: (frame) => handle({ type: "frame", frame }),
    failNextTask: (gathering) => {
      failNext = gathering ? "gathering" : "any";
    },
    end: () => {
      alive = false;
      wake?.cancel();
      pipeline.stop();
    },
  };
}
