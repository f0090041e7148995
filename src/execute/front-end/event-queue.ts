/** Events of a callback as an asynchronous iteration, for one reader. */
export interface EventQueue<T> {
  push(event: T): void;
  /** No more events come. */
  end(): void;
  /** The reader gets this error after the events before it. */
  fail(error: Error): void;
  drain(): AsyncGenerator<T, void, undefined>;
}

export function eventQueue<T>(): EventQueue<T> {
  const events: T[] = [];
  let over = false;
  let error: Error | undefined;
  let wake: (() => void) | undefined;
  const awake = (): void => {
    wake?.();
    wake = undefined;
  };
  return {
    push: (event) => {
      events.push(event);
      awake();
    },
    end: () => {
      over = true;
      awake();
    },
    fail: (failure) => {
      error = failure;
      awake();
    },
    drain: async function* () {
      for (;;) {
        for (let event = events.shift(); event !== undefined; event = events.shift()) yield event;
        if (error !== undefined) throw error;
        if (over) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
