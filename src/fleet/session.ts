import { assert } from "../base/assert.ts";
import { planted } from "../base/planted-fault.ts";
import type { Nanoseconds } from "../base/units.ts";

/** One frame on the wire between two nodes. `seq` 0 carries no message: an acknowledgement or a sign of life. */
export interface Frame<M> {
  /** Of the replica host the session belongs to; frames of another life are dropped. */
  readonly incarnation: number;
  readonly seq: number;
  /** Highest sequence number received without a gap. */
  readonly ack: number;
  readonly message?: M;
}

export interface SessionTiming {
  /** An acknowledgement waits this long for a message to ride on. */
  readonly ackDelayNs: Nanoseconds;
  /** First wait for an acknowledgement; doubles with every repetition, up to 16 times its first length. */
  readonly retransmitNs: Nanoseconds;
  /** Longest silence of our own side. */
  readonly heartbeatNs: Nanoseconds;
  /** Silence of the peer after which it counts as lost. */
  readonly timeoutNs: Nanoseconds;
  /** Time from the order to start a host until it has to be up; absent: its process alone says whether it still comes. */
  readonly startNs?: Nanoseconds;
}

/** A message that was sent and is kept. */
interface Unacked<Out> {
  readonly seq: number;
  readonly message: Out;
  sentAt: Nanoseconds;
  tries: number;
}

/** A session's state: plain data. `Out` are the messages we send, `In` those we receive. */
export interface Session<Out, In> {
  readonly incarnation: number;
  nextSeq: number;
  received: number;
  readonly unacked: Unacked<Out>[];
  /** When the first of `unacked` is sent again; undefined where it is still to be looked for. */
  repeatFrom: Nanoseconds | undefined;
  /** Messages that came ahead of a gap. */
  readonly early: Map<number, In>;
  ackOwedSince: Nanoseconds | undefined;
  lastSentAt: Nanoseconds;
  lastHeardAt: Nanoseconds;
}

/** Messages ahead of a gap that are kept; what lies further ahead the peer sends again. */
const EARLY_MAX = 4096;
/** Longest wait for an acknowledgement, in multiples of the first one. */
const BACKOFF_MAX = 16;
/** Doublings that lead there. */
const BACKOFF_TRIES = 4;

/**
 * A session makes messages between two nodes exactly-once and in order over a network that may lose, double, delay and reorder frames.
 *
 * Model: cumulative acknowledgements, retransmission with doubling waits, a window for early frames, heartbeats. Times are the own node's.
 */
export function openSession<Out, In>(incarnation: number, now: Nanoseconds): Session<Out, In> {
  return {
    incarnation,
    nextSeq: 1,
    received: 0,
    unacked: [],
    repeatFrom: undefined,
    early: new Map(),
    ackOwedSince: undefined,
    lastSentAt: now,
    lastHeardAt: now,
  };
}

/** The frame that carries a message; it is kept until acknowledged. */
export function sendMessage<Out, In>(session: Session<Out, In>, message: Out, now: Nanoseconds): Frame<Out> {
  const seq = session.nextSeq++;
  session.unacked.push({ seq, message, sentAt: now, tries: 1 });
  session.repeatFrom = undefined;
  return frame(session, { seq, message, now });
}

/** Takes a frame in; returns the messages that are now due, in order, each once. */
export function receiveFrame<Out, In>(session: Session<Out, In>, incoming: Frame<In>, now: Nanoseconds): In[] {
  if (incoming.incarnation !== session.incarnation && !planted("old-attempt-accepted")) return [];
  session.lastHeardAt = now;
  while (session.unacked.length > 0 && session.unacked[0]!.seq <= incoming.ack) {
    session.unacked.shift();
    session.repeatFrom = undefined;
  }
  if (incoming.seq === 0 || incoming.message === undefined) return [];
  session.ackOwedSince ??= now;
  if (planted("no-dedupe") && incoming.seq <= session.received) return [incoming.message];
  if (incoming.seq <= session.received || incoming.seq > session.received + EARLY_MAX) return [];
  session.early.set(incoming.seq, incoming.message);
  const due: In[] = [];
  for (;;) {
    const next = session.early.get(session.received + 1);
    if (next === undefined) return due;
    session.early.delete(++session.received);
    due.push(next);
  }
}

/** Frames that are due by now: repetitions, a delayed acknowledgement, a sign of life. */
export function tickSession<Out, In>(session: Session<Out, In>, timing: SessionTiming, now: Nanoseconds): Frame<Out>[] {
  const frames: Frame<Out>[] = [];
  if (now >= firstRepeatAt(session, timing)) {
    for (const entry of session.unacked) {
      if (now < repeatAt(entry, timing)) continue;
      entry.sentAt = now;
      entry.tries++;
      frames.push(frame(session, { seq: entry.seq, message: entry.message, now }));
    }
    session.repeatFrom = undefined;
  }
  const ackDue = session.ackOwedSince !== undefined && now >= session.ackOwedSince + timing.ackDelayNs;
  const silent = now >= session.lastSentAt + timing.heartbeatNs;
  if (frames.length === 0 && (ackDue || silent)) frames.push(frame(session, { seq: 0, now }));
  return frames;
}

/** When `tickSession` has something to do next. */
export function sessionWakeAt<Out, In>(session: Session<Out, In>, timing: SessionTiming): Nanoseconds {
  const at = Math.min(session.lastSentAt + timing.heartbeatNs, session.lastHeardAt + timing.timeoutNs, firstRepeatAt(session, timing));
  return session.ackOwedSince === undefined ? at : Math.min(at, session.ackOwedSince + timing.ackDelayNs);
}

/** Whether nothing was heard of the peer for the time-out. */
export function peerIsLost<Out, In>(session: Session<Out, In>, timing: SessionTiming, now: Nanoseconds): boolean {
  return now >= session.lastHeardAt + timing.timeoutNs;
}

/** Kept until a message is sent, sent again or acknowledged: a peer that acknowledges nothing leaves thousands to look through. */
function firstRepeatAt<Out, In>(session: Session<Out, In>, timing: SessionTiming): Nanoseconds {
  if (session.repeatFrom !== undefined) return session.repeatFrom;
  let at: Nanoseconds = Number.MAX_SAFE_INTEGER;
  for (const entry of session.unacked) at = Math.min(at, repeatAt(entry, timing));
  session.repeatFrom = at;
  return at;
}

function repeatAt({ sentAt, tries }: { readonly sentAt: Nanoseconds; readonly tries: number }, timing: SessionTiming): Nanoseconds {
  if (planted("no-retransmit")) return Number.MAX_SAFE_INTEGER;
  return sentAt + timing.retransmitNs * (tries > BACKOFF_TRIES ? BACKOFF_MAX : 1 << (tries - 1));
}

function frame<Out, In>(session: Session<Out, In>, part: { seq: number; message?: Out; now: Nanoseconds }): Frame<Out> {
  assert(part.now >= session.lastSentAt, "a node's time never goes back", { now: part.now, last: session.lastSentAt });
  session.lastSentAt = part.now;
  session.ackOwedSince = undefined;
  const { incarnation, received: ack } = session;
  const { seq, message } = part;
  return message === undefined ? { incarnation, seq, ack } : { incarnation, seq, ack, message };
}
