import { setTimeout } from "node:timers/promises";
import { HeddleError } from "../../../base/heddle-error.ts";
import { NS_PER_MS } from "../../../base/units.ts";

/** Timers fire up to a millisecond late; the thread is blocked for what comes after them, and spins for the very last bit. Units: ns. */
const TIMER_SLACK_NS = 1_500_000;
const SPIN_NS = 100_000;

const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Time of this process. Units: ns. */
export function nowNs(): number {
  return performance.now() * NS_PER_MS;
}

/**
 * Resolves at an instant of `nowNs`, at once where it has passed. The thread is its own for all but the last 1.5 ms.
 *
 * Errors: `cancelled` where the signal comes before.
 */
export async function waitUntil(dueNs: number, signal?: AbortSignal): Promise<void> {
  const timerNs = dueNs - nowNs() - TIMER_SLACK_NS;
  if (timerNs > NS_PER_MS) {
    await setTimeout(Math.floor(timerNs / NS_PER_MS), undefined, signal === undefined ? {} : { signal }).catch((cause) => {
      throw new HeddleError("cancelled", { cause });
    });
  }
  const blockNs = dueNs - nowNs() - SPIN_NS;
  if (blockNs > SPIN_NS) Atomics.wait(never, 0, 0, blockNs / NS_PER_MS);
  while (nowNs() < dueNs);
}
