/** Runs of a device, one at a time, in the order in which their inputs came to be there. */
export interface RunQueue {
  add(item: QueuedRun): void;
  /** Takes back what has not begun; false where it has. */
  remove(item: QueuedRun): boolean;
  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void>;
  readonly length: number;
}

export interface QueuedRun {
  /** Never throws: a failure is the run's own to report. */
  readonly start: () => Promise<void>;
}

/** `between` is called before each run that follows another one, so that what came meanwhile (a cancellation) is seen first. */
export function createRunQueue(between: () => void): RunQueue {
  const queue: QueuedRun[] = [];
  let running = false;
  let idle: (() => void)[] = [];

  const work = async (): Promise<void> => {
    running = true;
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      await item.start();
      if (queue.length > 0) between();
    }
    running = false;
    for (const resolve of idle.splice(0)) resolve();
  };

  return {
    add: (item) => {
      queue.push(item);
      if (!running) void work();
    },
    remove: (item) => {
      const at = queue.indexOf(item);
      if (at < 0) return false;
      queue.splice(at, 1);
      return true;
    },
    idle: () => {
      if (!running) return Promise.resolve();
      return new Promise((resolve) => {
        idle = [...idle, resolve];
      });
    },
    get length() {
      return queue.length + (running ? 1 : 0);
    },
  };
}
