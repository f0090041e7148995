/** Those who wait for something to come true. */
export type Waiters = Set<() => void>;

/** Resolves when `condition` holds, which is looked at now and at every notice. Errors: what `condition` throws. */
export function waitFor(waiters: Waiters, condition: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      try {
        if (!condition()) return;
        resolve();
      } catch (thrown) {
        reject(thrown);
      }
      waiters.delete(look);
    };
    waiters.add(look);
    look();
  });
}

export function notify(waiters: Waiters): void {
  for (const look of [...waiters]) look();
}
