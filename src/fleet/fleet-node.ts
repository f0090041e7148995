import type { Nanoseconds } from "../base/units.ts";
import type { FleetEngine } from "../engine/fleet-engine.ts";
import type { FleetCommand, FleetEvent } from "../engine/fleet-engine-types.ts";
import type { FromReplica, ToReplica } from "../engine/messages.ts";
import type { FleetNodeInput, FleetNodeOutput, FleetObserver } from "./node-types.ts";
import {
  type Frame,
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

/** The life of a replica's host that was started last: the only one that is listened to. */
interface Life {
  readonly incarnation: number;
  /** When it has to be up, while it is not. */
  startBy: Nanoseconds | undefined;
}

interface Parts {
  readonly engine: FleetEngine;
  readonly options: FleetNodeOptions;
  readonly sessions: Map<number, Session<ToReplica, FromReplica>>;
  readonly lives: Map<number, Life>;
  wakeAt: Nanoseconds | undefined;
}

/** One call of `handle`: its time and what it gives out. */
interface Turn {
  readonly now: Nanoseconds;
  readonly out: FleetNodeOutput[];
}

/** The fleet engine with a session to each host as it comes up; incarnations go on from where the engine's state says. */
export function createFleetNode(engine: FleetEngine, options: FleetNodeOptions): FleetNode {
  const lives = new Map<number, Life>();
  engine.snapshot().replicas.forEach(({ incarnation }, replica) => {
    lives.set(replica, { incarnation, startBy: undefined });
  });
  const parts: Parts = { engine, options, sessions: new Map(), lives, wakeAt: undefined };
  return {
    handle: (input, now) => {
      const turn: Turn = { now, out: [] };
      if (input.type === "event") takeEvent(parts, input.event, turn);
      else if (input.type === "frame") takeFrame(parts, input, turn);
      else parts.wakeAt = undefined;
      tick(parts, turn);
      setWake(parts, turn);
      return turn.out;
    },
  };
}

function takeEvent(parts: Parts, event: Exclude<FleetEvent, { type: "message" }>, turn: Turn): void {
  const { lives, sessions } = parts;
  const life = event.type === "replica-up" ? lives.get(event.replica) : undefined;
  if (event.type === "replica-up" && life?.incarnation === event.incarnation && !sessions.has(event.replica)) {
    life.startBy = undefined;
    sessions.set(event.replica, openSession(event.incarnation, turn.now));
  }
  step(parts, event, turn);
}

function takeFrame(parts: Parts, { replica, frame }: { replica: number; frame: Frame<FromReplica> }, turn: Turn): void {
  const session = parts.sessions.get(replica);
  if (session === undefined) return;
  const { incarnation } = session;
  for (const message of receiveFrame(session, frame, turn.now)) step(parts, { type: "message", replica, incarnation, message }, turn);
}

function step(parts: Parts, event: FleetEvent, turn: Turn): void {
  const commands = parts.engine.step(event, turn.now);
  parts.options.observer?.(event, turn.now, commands);
  for (const command of commands) {
    if (command.type === "send") send(parts, command, turn);
    else {
      if (command.type === "start-replica" || command.type === "kill-replica") noteLife(parts, command);
      turn.out.push(command);
    }
  }
}

function send({ sessions }: Parts, { replica, incarnation, message }: Extract<FleetCommand, { type: "send" }>, turn: Turn): void {
  const session = sessions.get(replica);
  // A message to a life that is over has no reader; the loss of that host has its own event.
  if (session === undefined || session.incarnation !== incarnation) return;
  turn.out.push({ type: "frame", replica, frame: sendMessage(session, message, turn.now) });
}

function noteLife({ sessions, lives, options }: Parts, command: Extract<FleetCommand, { type: "start-replica" | "kill-replica" }>): void {
  const { replica, incarnation } = command;
  if (command.type === "kill-replica") {
    if (sessions.get(replica)?.incarnation === incarnation) sessions.delete(replica);
    return;
  }
  const { startNs } = options.timing;
  lives.set(replica, { incarnation, startBy: startNs === undefined ? undefined : command.at + startNs });
}

/** What is due: hosts that did not come up, hosts that fell silent, frames to repeat. */
function tick(parts: Parts, turn: Turn): void {
  const { sessions, lives, options } = parts;
  const { now, out } = turn;
  for (const [replica, life] of [...lives]) {
    if (life.startBy === undefined || now < life.startBy) continue;
    life.startBy = undefined;
    takeEvent(parts, { type: "replica-down", replica, incarnation: life.incarnation, detail: "not up in time" }, turn);
  }
  // A tick comes with every frame; only a loss changes the map on the way, so only then it is copied.
  let lost = false;
  for (const session of sessions.values()) lost ||= peerIsLost(session, options.timing, now);
  for (const [replica, session] of lost ? [...sessions] : sessions) {
    if (peerIsLost(session, options.timing, now)) {
      takeEvent(parts, { type: "replica-down", replica, incarnation: session.incarnation, detail: "silent for too long" }, turn);
    } else for (const frame of tickSession(session, options.timing, now)) out.push({ type: "frame", replica, frame });
  }
}

function setWake(parts: Parts, { out }: Turn): void {
  let next = Number.MAX_SAFE_INTEGER;
  for (const session of parts.sessions.values()) next = Math.min(next, sessionWakeAt(session, parts.options.timing));
  for (const { startBy } of parts.lives.values()) next = Math.min(next, startBy ?? next);
  if (next >= (parts.wakeAt ?? Number.MAX_SAFE_INTEGER)) return;
  parts.wakeAt = next;
  out.push({ type: "wake", at: next });
}
