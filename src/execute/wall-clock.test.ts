// Goal: the wall clock keeps the promises of the port. Method: real timers, checked for order and for never being early; no durations asserted.
import { expect, test } from "vitest";
import { createWallClock } from "./wall-clock.ts";

test("time is whole and never goes back", () => {
  const clock = createWallClock();
  let last = clock.now();
  for (let i = 0; i < 1000; i++) {
    const now = clock.now();
    expect(Number.isInteger(now)).toBe(true);
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
});

test("timers fire once, never early, never inside the call; cancelled ones never", async () => {
  const clock = createWallClock();
  const at = clock.now() + 3_000_000;
  const fired: string[] = [];
  const cancelled = clock.schedule(at, () => fired.push("cancelled"));
  const early = new Promise<number>((resolve) => clock.schedule(at, () => resolve(clock.now())));
  clock.schedule(-1, () => fired.push("past"));
  expect(fired).toEqual([]);
  cancelled.cancel();
  expect(await early).toBeGreaterThanOrEqual(at);
  expect(fired).toEqual(["past"]);
});
