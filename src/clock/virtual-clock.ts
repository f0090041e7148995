import { assert } from "../base/assert.ts";
import { TimeHeap } from "../base/heap.ts";
import type { Nanoseconds } from "../base/units.ts";
import type { Clock, ClockTimer } from "./clock.ts";

/** A clock that jumps to the next event. Equal times fire in the order they were scheduled. */
export class VirtualClock implements Clock {
  #now: Nanoseconds = 0;
  readonly #heap = new TimeHeap<{ fire: (() => void) | undefined }>();

  now(): Nanoseconds {
    return this.#now;
  }

  schedule(at: Nanoseconds, fire: () => void): ClockTimer {
    assert(Number.isFinite(at), "a timer needs a finite time", { at });
    const entry: { fire: (() => void) | undefined } = { fire };
    this.#heap.push(Math.max(at, this.#now), entry);
    return {
      cancel: () => {
        entry.fire = undefined;
      },
    };
  }

  /** Fires the next event; false when none is left. */
  advance(): boolean {
    for (;;) {
      const at = this.#heap.peekTime();
      if (at === undefined) return false;
      const entry = this.#heap.pop();
      if (entry?.fire === undefined) continue;
      assert(at >= this.#now, "virtual time never goes back", { at, now: this.#now });
      this.#now = at;
      entry.fire();
      return true;
    }
  }

  /** Time of the next event, cancelled ones included. */
  peek(): Nanoseconds | undefined {
    return this.#heap.peekTime();
  }
}
