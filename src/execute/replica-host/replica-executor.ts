import { assert } from "../../base/assert.ts";
import type { Clock, ClockTimer } from "../../clock/clock.ts";
import type { FromReplica, ToReplica } from "../../engine/messages.ts";
import type { ReplicaNodeInput, ReplicaNodeOutput } from "../../fleet/node-types.ts";
import type { ReplicaNode } from "../../fleet/replica-node.ts";
import type { Frame } from "../../fleet/session.ts";
import type { FromHost, HostLoad, SubmitWork, TokenDetail } from "./host-protocol.ts";
import type { RecentSteps } from "./recent-steps.ts";
import type { StagesDone, StageWorkers } from "./stage-workers.ts";
import type { TaskBook } from "./task-book.ts";

export interface ReplicaExecutorParts {
  readonly node: ReplicaNode;
  readonly clock: Clock;
  readonly book: TaskBook;
  readonly stages: StageWorkers;
  readonly stageCount: number;
  /** Told of every task. */
  readonly recent: RecentSteps;
  readonly post: (message: FromHost) => void;
  /** The front end is gone. */
  readonly orphaned: () => void;
}

/** Does what a replica node commands: starts tasks, keeps its timer, sends its frames. */
export interface ReplicaExecutor {
  frame(frame: Frame<ToReplica>, work: SubmitWork | undefined): void;
  done(done: StagesDone): void;
  tick(): void;
}

export function createReplicaExecutor(parts: ReplicaExecutorParts): ReplicaExecutor {
  const { node, clock, book } = parts;
  const load = { tasks: 0, stageNs: new Array<number>(parts.stageCount).fill(0), kvBytes: 0 };
  let wake: ClockTimer | undefined;

  const handle = (input: ReplicaNodeInput, details: readonly TokenDetail[] = []): void => {
    const frames: Frame<FromReplica>[] = [];
    for (const output of node.handle(input, clock.now())) act(output, frames);
    if (frames.length === 0) return;
    for (const { message } of frames) {
      if (message?.type === "finished" || message?.type === "failed") book.release(message.request, message.attempt);
    }
    parts.post({ type: "batch", frames, logprobs: details, load: copyOf(load) });
  };

  const act = (output: ReplicaNodeOutput, frames: Frame<FromReplica>[]): void => {
    if (output.type === "frame") frames.push(output.frame);
    else if (output.type === "start-task") {
      parts.recent.started(output.task, output.step, clock.now());
      parts.stages.start(output.task, output.step, book.begin(output.task, output.step));
    } else if (output.type === "wake") {
      wake?.cancel();
      // After a pause of this process its timers fire before it reads: frames that lie there come first, or the fleet would seem silent.
      wake = clock.schedule(output.at, () => setImmediate(handle, { type: "tick" }));
    } else parts.orphaned();
  };

  return {
    frame: (frame, work) => {
      if (work !== undefined) {
        assert(frame.message?.type === "submit", "work comes with its submit", { request: work.request });
        book.submit(frame.message, work);
      }
      handle({ type: "frame", frame });
    },
    done: ({ task, stageNs, kvBytes, rows }) => {
      const { samples, sealedKeys, details } = book.finish(task, rows);
      parts.recent.finished(task, stageNs, clock.now());
      load.tasks++;
      load.kvBytes = kvBytes;
      for (let stage = 0; stage < stageNs.length; stage++) load.stageNs[stage]! += stageNs[stage]!;
      handle({ type: "event", event: { type: "task-finished", task, stageNs, samples, sealedKeys } }, details);
    },
    tick: () => handle({ type: "tick" }),
  };
}

function copyOf(load: HostLoad): HostLoad {
  return { tasks: load.tasks, stageNs: [...load.stageNs], kvBytes: load.kvBytes };
}
