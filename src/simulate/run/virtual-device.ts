import type { Nanoseconds } from "../../base/units.ts";
import type { Clock, ClockTimer } from "../../clock/clock.ts";

/** Work for a device. */
export interface DeviceJob {
  /** Whose work it is; a host that dies takes its work along. */
  readonly owner: object;
  readonly durationNs: Nanoseconds;
  readonly done: (tookNs: Nanoseconds) => void;
}

/** A device that does one job at a time, first come first served. */
export interface VirtualDevice {
  submit(job: DeviceJob): void;
  /** Drops the jobs of an owner; the device is free at once for the next. */
  drop(owner: object): void;
  /** Jobs that start before `untilNs` take `factor` times as long. */
  slow(factor: number, untilNs: Nanoseconds): void;
  /** Time it has worked, jobs that were dropped included. */
  busyNs(): Nanoseconds;
}

export function createVirtualDevice(clock: Clock): VirtualDevice {
  let waiting: DeviceJob[] = [];
  let running: { readonly job: DeviceJob; readonly startedAt: Nanoseconds; readonly timer: ClockTimer } | undefined;
  let busy = 0;
  let slowFactor = 1;
  let slowUntil = 0;

  const start = (): void => {
    const job = waiting.shift();
    if (job === undefined) return;
    const startedAt = clock.now();
    const tookNs = startedAt < slowUntil ? Math.round(job.durationNs * slowFactor) : job.durationNs;
    const timer = clock.schedule(startedAt + tookNs, () => {
      running = undefined;
      busy += tookNs;
      start();
      job.done(tookNs);
    });
    running = { job, startedAt, timer };
  };

  return {
    submit: (job) => {
      waiting.push(job);
      if (running === undefined) start();
    },
    drop: (owner) => {
      waiting = waiting.filter((job) => job.owner !== owner);
      if (running?.job.owner !== owner) return;
      running.timer.cancel();
      busy += clock.now() - running.startedAt;
      running = undefined;
      start();
    },
    slow: (factor, untilNs) => {
      slowFactor = factor;
      slowUntil = untilNs;
    },
    busyNs: () => busy + (running === undefined ? 0 : clock.now() - running.startedAt),
  };
}
