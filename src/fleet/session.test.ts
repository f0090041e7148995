// Goal: messages arrive exactly once and in order whatever the network does. Method: two sessions over a seeded network that loses, doubles, delays
// and reorders frames, in virtual time.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TimeHeap } from "../base/heap.ts";
import { type Prng, seededPrng } from "../base/prng.ts";
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

const TIMING: SessionTiming = { ackDelayNs: 5, retransmitNs: 40, heartbeatNs: 100, timeoutNs: 100_000 };

interface Side {
  readonly session: Session<number, number>;
  readonly received: number[];
  toSend: number;
}

interface Weather {
  readonly loss: number;
  readonly doubling: number;
  readonly delayNs: number;
}

/** Sends `count` messages each way and returns what each side received, once nothing is left to acknowledge. */
function exchange(seed: number, count: number, weather: Weather): readonly [number[], number[]] {
  const prng = seededPrng(seed);
  const heap = new TimeHeap<() => void>();
  const sides: [Side, Side] = [0, 1].map(() => ({ session: openSession<number, number>(3, 0), received: [], toSend: 0 })) as unknown as [
    Side,
    Side,
  ];
  let now = 0;
  const put = (frame: Frame<number>, to: Side): void => carry(prng, weather, (delay) => heap.push(now + delay, () => deliver(frame, to)));
  const deliver = (frame: Frame<number>, to: Side): void => {
    to.received.push(...receiveFrame(to.session, frame, now));
    tick(to);
  };
  const other = (side: Side): Side => (side === sides[0] ? sides[1] : sides[0]);
  const tick = (side: Side): void => {
    for (const frame of tickSession(side.session, TIMING, now)) put(frame, other(side));
  };
  for (const side of sides) {
    for (let i = 0; i < count; i++) {
      heap.push(prng.nextBelow(500), () => put(sendMessage(side.session, side.toSend++, now), other(side)));
    }
  }
  const open = (): boolean => sides.some((side) => side.toSend < count || side.session.unacked.length > 0);
  while (open()) {
    const wake = Math.min(...sides.map((side) => sessionWakeAt(side.session, TIMING)));
    const next = heap.peekTime();
    if (next !== undefined && next <= wake) {
      now = Math.max(now, next);
      heap.pop()?.();
    } else {
      now = Math.max(now, wake);
      for (const side of sides) tick(side);
    }
    if (now > 10_000_000) throw new RangeError("the exchange does not end");
  }
  return [sides[0].received, sides[1].received];
}

function carry(prng: Prng, { loss, doubling, delayNs }: Weather, arrive: (delayNs: number) => void): void {
  const copies = prng.nextFloat() < doubling ? 2 : 1;
  for (let i = 0; i < copies; i++) if (prng.nextFloat() >= loss) arrive(1 + prng.nextBelow(delayNs));
}

describe("a session", () => {
  it("delivers exactly once and in order over any network that lets something through", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 0, max: 60 }),
        fc.record({
          loss: fc.double({ min: 0, max: 0.6, noNaN: true }),
          doubling: fc.double({ min: 0, max: 0.5, noNaN: true }),
          delayNs: fc.integer({ min: 1, max: 200 }),
        }),
        (seed, count, weather) => {
          const expected = Array.from({ length: count }, (_, i) => i);
          expect(exchange(seed, count, weather)).toEqual([expected, expected]);
        },
      ),
      { numRuns: 200, seed: 6 },
    );
  });

  it("drops frames of another life", () => {
    const session = openSession<string, string>(2, 0);
    expect(receiveFrame(session, { incarnation: 1, seq: 1, ack: 0, message: "old" }, 10)).toEqual([]);
    expect(peerIsLost(session, { ...TIMING, timeoutNs: 10 }, 10)).toBe(true);
    expect(receiveFrame(session, { incarnation: 2, seq: 1, ack: 0, message: "new" }, 11)).toEqual(["new"]);
  });

  it("takes the missing message however far others are ahead, and drops what is beyond its window", () => {
    const session = openSession<string, string>(1, 0);
    for (let seq = 2; seq < 6000; seq++) receiveFrame(session, { incarnation: 1, seq, ack: 0, message: `${seq}` }, 0);
    expect(session.early.size).toBe(4095);
    expect(receiveFrame(session, { incarnation: 1, seq: 1, ack: 0, message: "1" }, 0)).toHaveLength(4096);
  });

  it("lets acknowledgements ride on messages and sends them alone only after a while", () => {
    const session = openSession<string, string>(1, 0);
    receiveFrame(session, { incarnation: 1, seq: 1, ack: 0, message: "a" }, 1);
    expect(tickSession(session, TIMING, 2)).toEqual([]);
    expect(sendMessage(session, "b", 3).ack).toBe(1);
    expect(tickSession(session, TIMING, 8)).toEqual([]);
    receiveFrame(session, { incarnation: 1, seq: 2, ack: 1, message: "c" }, 9);
    expect(tickSession(session, TIMING, 14)).toEqual([{ incarnation: 1, seq: 0, ack: 2 }]);
  });

  it("waits longer with every repetition, up to a limit", () => {
    const session = openSession<string, string>(1, 0);
    sendMessage(session, "a", 0);
    const times: number[] = [];
    for (let now = 1; times.length < 8; now++) if (tickSession(session, { ...TIMING, heartbeatNs: 1e9 }, now).length > 0) times.push(now);
    expect(times.map((time, i) => time - (times[i - 1] ?? 0))).toEqual([40, 80, 160, 320, 640, 640, 640, 640]);
  });

  it("shows signs of life when it has nothing to say, and notices when the peer shows none", () => {
    const session = openSession<string, string>(1, 0);
    expect(sessionWakeAt(session, TIMING)).toBe(100);
    expect(tickSession(session, TIMING, 100)).toEqual([{ incarnation: 1, seq: 0, ack: 0 }]);
    expect(peerIsLost(session, TIMING, 99_999)).toBe(false);
    expect(peerIsLost(session, TIMING, 100_000)).toBe(true);
  });
});
