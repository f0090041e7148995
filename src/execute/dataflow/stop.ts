import type { StopSignal } from "../seat/seat-types.ts";

/** What an `AbortController` does for a run. Why not one: a run of a small stage took some 4 % of the front end's time to make it. */
export interface Stop {
  readonly signal: StopSignal;
  stop(): void;
}

export function createStop(): Stop {
  const listeners = new Set<() => void>();
  let aborted = false;
  return {
    signal: {
      get aborted() {
        return aborted;
      },
      addEventListener: (_type, listener) => void listeners.add(listener),
      removeEventListener: (_type, listener) => void listeners.delete(listener),
    },
    stop: () => {
      if (aborted) return;
      aborted = true;
      for (const listener of [...listeners]) listener();
      listeners.clear();
    },
  };
}
