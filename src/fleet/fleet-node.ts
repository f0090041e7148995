import type { Nanoseconds } from "../base/units.ts";
import type { FleetEngine } from "../engine/fleet-engine.ts";
import type { FleetEvent } from "../engine/fleet-engine-types.ts";
import type { FromReplica, ToReplica } from "../engine/messages.ts";
import type { FleetNodeInput, FleetNodeOutput, FleetObserver } from "./node-types.ts";
import {
  openSession,
  peerIsLost,
  receiveFrame,
  type Session,
  type SessionTiming,
  sendMessage,
  sessionWakeAt,
  tickSession,
} from "./session.ts";

export interface FleetNodeOptions {
  readonly timing: SessionTiming;
  readonly observer?: FleetObserver;
}

/** The fleet engine with a session to each replica host: a pure state machine that the simulator and the live front end drive alike. */
export interface FleetNode {
  handle(input: FleetNodeInput, now: Nanoseconds): FleetNodeOutput[];
}

export function createFleetNode(engine: FleetEngine, options: FleetNodeOptions): FleetNode {
  const { timing } = options;
  const sessions = new Map<number, Session<ToReplica, FromReplica>>();
  /** Life of each replica that was started last: the only one that is listened to. */
  const lives = new Map(engine.snapshot().replicas.map(({ incarnation }, replica) => [replica, incarnation]));
  let wakeAt: Nanoseconds | undefined;

  const forget = (replica: number, incarnation: number): void => {
    if (sessions.get(replica)?.incarnation === incarnation) sessions.delete(replica);
  };

  const run = (event: FleetEvent, now: Nanoseconds, out: FleetNodeOutput[]): void => {
    const commands = engine.step(event, now);
    options.observer?.(event, now, commands);
    for (const command of commands) {
      if (command.type !== "send") {
        if (command.type === "start-replica") lives.set(command.replica, command.incarnation);
        if (command.type === "kill-replica") forget(command.replica, command.incarnation);
        out.push(command);
        continue;
      }
      const session = sessions.get(command.replica);
      // A message to a life that is over has no reader; the loss of that host has its own event.
      if (session === undefined || session.incarnation !== command.incarnation) continue;
      out.push({ type: "frame", replica: command.replica, frame: sendMessage(session, command.message, now) });
    }
  };

  const takeEvent = (event: Exclude<FleetEvent, { type: "message" }>, now: Nanoseconds, out: FleetNodeOutput[]): void => {
    if (event.type === "replica-up" && lives.get(event.replica) === event.incarnation && !sessions.has(event.replica)) {
      sessions.set(event.replica, openSession(event.incarnation, now));
    }
    run(event, now, out);
  };

  const tickAll = (now: Nanoseconds, out: FleetNodeOutput[]): void => {
    for (const [replica, session] of [...sessions]) {
      if (peerIsLost(session, timing, now)) {
        const { incarnation } = session;
        takeEvent({ type: "replica-down", replica, incarnation, detail: "silent for too long" }, now, out);
      } else for (const frame of tickSession(session, timing, now)) out.push({ type: "frame", replica, frame });
    }
  };

  const handle = (input: FleetNodeInput, now: Nanoseconds): FleetNodeOutput[] => {
    const out: FleetNodeOutput[] = [];
    if (input.type === "event") takeEvent(input.event, now, out);
    else if (input.type === "frame") {
      const session = sessions.get(input.replica);
      if (session !== undefined) {
        const { replica } = input;
        const { incarnation } = session;
        for (const message of receiveFrame(session, input.frame, now)) run({ type: "message", replica, incarnation, message }, now, out);
      }
    } else wakeAt = undefined;
    tickAll(now, out);
    let next = Number.MAX_SAFE_INTEGER;
    for (const session of sessions.values()) next = Math.min(next, sessionWakeAt(session, timing));
    if (sessions.size > 0 && (wakeAt === undefined || next < wakeAt)) {
      wakeAt = next;
      out.push({ type: "wake", at: next });
    }
    return out;
  };
  return { handle };
}
