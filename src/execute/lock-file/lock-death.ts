import { mayRunSince } from "../ledger-files/running-since.ts";
import { type FoundLock, here } from "./lock-owner.ts";

/** How often a holder says that it still has its lock. Units: ms. */
export const TOUCH_EVERY_MS = 5_000;
/** A holder whose process cannot be asked about is believed this long after it last said so. Units: ms. */
const SILENCE_MS = 60_000;
/** A lock that does not say whose it is is believed this long: it is being written, or its writer died meanwhile. Units: ms. */
const UNSAID_MS = 5_000;

/** Whether the holder of a lock is known to be gone. */
export type IsDead = (lock: FoundLock) => boolean;

/**
 * Judges holders: those of this machine by their process, others by their silence, which is measured from when the lock is first seen, on this machine's
 * clock: clocks of machines that share a folder may differ.
 *
 * @param nowMs Of a clock that is never set. Units: ms.
 */
export function lockWatch(nowMs: () => number): IsDead {
  let watched: FoundLock | undefined;
  let since = 0;
  return (lock) => {
    if (lock.pid !== undefined && (lock.place === undefined || lock.place === here())) return !mayRunSince(lock.pid, lock.touchedAt);
    if (watched?.token !== lock.token || watched.touchedAt !== lock.touchedAt) {
      watched = lock;
      since = nowMs();
    }
    return nowMs() - since > (lock.pid === undefined ? UNSAID_MS : SILENCE_MS);
  };
}
