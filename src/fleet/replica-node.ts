import type { Nanoseconds } from "../base/units.ts";
import type { FromReplica, ToReplica } from "../engine/messages.ts";
import type { ReplicaEngine } from "../engine/replica-engine.ts";
import type { ReplicaEvent } from "../engine/replica-engine-types.ts";
import type { ReplicaNodeInput, ReplicaNodeOutput, ReplicaObserver } from "./node-types.ts";
import { openSession, peerIsLost, receiveFrame, type SessionTiming, sendMessage, sessionWakeAt, tickSession } from "./session.ts";

export interface ReplicaNodeOptions {
  readonly incarnation: number;
  readonly timing: SessionTiming;
  readonly observer?: ReplicaObserver;
}

/** A replica engine with its session to the fleet: a pure state machine that the simulator and the live host drive alike. */
export interface ReplicaNode {
  handle(input: ReplicaNodeInput, now: Nanoseconds): ReplicaNodeOutput[];
}

/** A replica engine with its session to the fleet. `startedAt` is the time of its own clock. Units: ns. */
export function createReplicaNode(engine: ReplicaEngine, options: ReplicaNodeOptions, startedAt: Nanoseconds): ReplicaNode {
  const session = openSession<FromReplica, ToReplica>(options.incarnation, startedAt);
  let timerAt: Nanoseconds | undefined;
  let wakeAt: Nanoseconds | undefined;

  const run = (event: ReplicaEvent, now: Nanoseconds, out: ReplicaNodeOutput[]): void => {
    const commands = engine.step(event, now);
    options.observer?.(event, now, commands);
    for (const command of commands) {
      if (command.type === "send") out.push({ type: "frame", frame: sendMessage(session, command.message, now) });
      else if (command.type === "set-timer") timerAt = command.at;
      else out.push(command);
    }
  };

  const handle = (input: ReplicaNodeInput, now: Nanoseconds): ReplicaNodeOutput[] => {
    const out: ReplicaNodeOutput[] = [];
    if (input.type === "event") run(input.event, now, out);
    else if (input.type === "frame") {
      for (const message of receiveFrame(session, input.frame, now)) run({ type: "message", message }, now, out);
    } else wakeAt = undefined;
    if (timerAt !== undefined && now >= timerAt) {
      timerAt = undefined;
      run({ type: "timer" }, now, out);
    }
    if (peerIsLost(session, options.timing, now)) return [...out, { type: "orphaned" }];
    for (const frame of tickSession(session, options.timing, now)) out.push({ type: "frame", frame });
    const next = Math.min(sessionWakeAt(session, options.timing), timerAt ?? Number.MAX_SAFE_INTEGER);
    if (wakeAt === undefined || next < wakeAt) {
      wakeAt = next;
      out.push({ type: "wake", at: next });
    }
    return out;
  };
  return { handle };
}
