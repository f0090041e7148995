/** Goal: what is sent arrives once, in order within its tag, in whatever order it is asked for, and the window holds. Method: drawn exchanges. */
import { MessageChannel } from "node:worker_threads";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createPeerChannel, type PeerChannel } from "./peer-channel.ts";
import type { WireTensor } from "./seat-messages.ts";

const WINDOW = 100;

function channels(): readonly [PeerChannel, PeerChannel] {
  const { port1, port2 } = new MessageChannel();
  return [
    createPeerChannel(port1, { seat: "right", windowBytes: WINDOW }),
    createPeerChannel(port2, { seat: "left", windowBytes: WINDOW }),
  ];
}

function message(number: number, bytes: number): WireTensor {
  const payload = new Uint8Array(new ArrayBuffer(bytes));
  payload.fill(number);
  return { type: "u8", dims: [number, bytes], payload };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Enough for messages to go there and back on a busy machine. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
}

test("drawn exchanges: all arrive, in order, within the window", async () => {
  const plan = fc.array(fc.record({ tag: fc.nat(3), bytes: fc.nat(150), pause: fc.boolean() }), { maxLength: 30, size: "max" });
  await fc.assert(
    fc.asyncProperty(plan, fc.array(fc.nat(), { minLength: 30, maxLength: 30 }), async (sends, order) => {
      const [left, right] = channels();
      const sent: Promise<void>[] = [];
      for (const [number, { tag, bytes, pause }] of sends.entries()) {
        sent.push(left.send(0, tag, message(number, bytes)));
        if (pause) await turn();
        expect(right.unclaimedBytes).toBeLessThanOrEqual(WINDOW);
      }
      const tags = sends.map(({ tag }) => tag);
      tags.sort((a, b) => order[a]! - order[b]! || a - b);
      const came = await Promise.all(tags.map((tag) => right.receive(0, tag).message));
      await Promise.all(sent);
      for (const tag of new Set(tags)) {
        const numbers = came.filter((_, i) => tags[i] === tag).map(({ dims }) => dims[0]);
        expect(numbers).toEqual([...sends.keys()].filter((number) => sends[number]!.tag === tag));
      }
      for (const { dims, payload } of came) expect([...new Set(payload)]).toEqual(dims[1] === 0 ? [] : [dims[0]]);
      expect(right.unclaimedBytes).toBe(0);
      for (let i = 0; i < 5; i++) await turn();
      await left.send(0, 9, message(0, WINDOW));
      for (let i = 0; i < 20 && right.unclaimedBytes === 0; i++) await turn();
      expect(right.unclaimedBytes, "the window is whole again").toBe(WINDOW);
      left.close();
      right.close();
    }),
    { numRuns: 60 },
  );
});

test("the end of one side ends what waits on the other, what was refused by the window too", async () => {
  const [left, right] = channels();
  const waiting = [left.receive(0, 1).message, left.send(0, 2, message(1, WINDOW + 1)), left.receive(1, 3).message];
  const told = new Promise((resolve) => left.watch(9, resolve));
  right.close();
  for (const one of waiting) await expect(one).rejects.toMatchObject({ code: "host-lost", where: "right" });
  expect(await told).toMatchObject({ code: "host-lost" });
  await expect(left.send(0, 1, message(1, 1))).rejects.toMatchObject({ code: "host-lost" });
});

test("a collective that one side has ended with leaves nothing behind, whatever the other still sends", async () => {
  const [left, right] = channels();
  await left.send(1, 5, message(1, 40));
  await turns();
  expect(right.unclaimedBytes).toBe(40);
  right.unwatch(5, undefined);
  expect(right.unclaimedBytes).toBe(0);
  await left.send(1, 5, message(2, 60));
  // There, and the credit back: what does not fit the window would wait for a receiver.
  await turns();
  expect(right.unclaimedBytes).toBe(0);
  // The window is whole again: this one would not fit otherwise.
  await left.send(0, 1, message(3, WINDOW));
  await turns();
  expect(right.unclaimedBytes).toBe(WINDOW);
  left.close();
});
