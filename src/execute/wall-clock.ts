import { NS_PER_MS } from "../base/units.ts";
import type { Clock, ClockTimer } from "../clock/clock.ts";

/** Longest wait `setTimeout` takes; longer ones are cut in pieces. Units: ms. */
const TIMEOUT_MAX_MS = 2_147_483_647;

/** The clock of this process: whole nanoseconds since it was made, never going back. */
export function createWallClock(): Clock {
  const started = performance.now();
  let last = 0;
  const now = (): number => {
    last = Math.max(last, Math.round((performance.now() - started) * NS_PER_MS));
    return last;
  };
  return { now, schedule: (at, fire) => schedule(now, at, fire) };
}

function schedule(now: () => number, at: number, fire: () => void): ClockTimer {
  let timer: NodeJS.Timeout | undefined;
  const arm = (): void => {
    // Timers may fire a little early; a wait is rounded up and looked at again.
    const waitMs = Math.ceil((at - now()) / NS_PER_MS);
    timer = setTimeout(() => (now() >= at ? fire() : arm()), Math.min(Math.max(0, waitMs), TIMEOUT_MAX_MS));
  };
  arm();
  return { cancel: () => clearTimeout(timer) };
}
