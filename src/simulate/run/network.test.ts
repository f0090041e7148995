// Goal: the network loses, doubles and delays the stated shares, and a quiet one does none of it. Method: many messages, arrivals counted.
import { expect, test } from "vitest";
import { seededPrng } from "../../base/prng.ts";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import { createNetwork, type NetworkProfile, quietNetwork } from "./network.ts";

const COUNT = 20_000;

function arrivals(profile: NetworkProfile): { message: number; at: number }[] {
  const clock = new VirtualClock();
  const network = createNetwork(profile, clock, seededPrng(1));
  const seen: { message: number; at: number }[] = [];
  for (let message = 0; message < COUNT; message++) network.send(() => seen.push({ message, at: clock.now() }));
  while (clock.advance()) {}
  return seen;
}

test("a quiet network delivers each message once, in order, after its latency", () => {
  const seen = arrivals(quietNetwork(70));
  expect(seen.map(({ message }) => message)).toEqual(Array.from({ length: COUNT }, (_, i) => i));
  expect(new Set(seen.map(({ at }) => at))).toEqual(new Set([70]));
});

test("a lossy one loses, doubles, delays and reorders as stated", () => {
  const seen = arrivals({ latencyNs: 100, jitterNs: 50, loss: 0.2, duplication: 0.1, delayed: 0.05, delayNs: 10_000 });
  const counts = new Map<number, number>();
  for (const { message } of seen) counts.set(message, (counts.get(message) ?? 0) + 1);
  const share = (times: number): number =>
    [...Array(COUNT).keys()].filter((message) => (counts.get(message) ?? 0) === times).length / COUNT;
  expect(share(0)).toBeCloseTo(0.2 * 0.9, 2);
  expect(share(2)).toBeCloseTo(0.8 * 0.1, 2);
  expect(seen.filter(({ at }) => at > 10_000).length / seen.length).toBeCloseTo(0.05, 2);
  expect(Math.min(...seen.map(({ at }) => at))).toBeGreaterThanOrEqual(100);
  expect(seen.some(({ message }, i) => i > 0 && message < seen[i - 1]!.message)).toBe(true);
});
