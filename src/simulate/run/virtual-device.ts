import { must } from "../../base/assert.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { Clock, ClockTimer } from "../../clock/clock.ts";
import type { DeviceRate } from "./device-rates.ts";

/** Work for a device. */
export interface DeviceJob {
  /** Whose work it is; a host that dies takes its work along. */
  readonly owner: object;
  /** Time it takes on a device that works alone. */
  readonly durationNs: Nanoseconds;
  readonly done: (tookNs: Nanoseconds) => void;
}

/** The devices of a run: each does one job at a time, first come first served; those that share cores or memory slow one another down. */
export interface VirtualDevices {
  submit(device: string, job: DeviceJob): void;
  /** Drops all jobs of an owner; its devices are free at once for the next. */
  drop(owner: object): void;
  /** Jobs that start on the device before `untilNs` take `factor` times as long. */
  slow(device: string, factor: number, untilNs: Nanoseconds): void;
  /** Time each device has worked, jobs that were dropped included. */
  busyNs(): Map<string, Nanoseconds>;
}

interface RunningJob {
  readonly job: DeviceJob;
  readonly startedAt: Nanoseconds;
  /** Work left at `since`, in ns at rate 1. */
  left: number;
  since: Nanoseconds;
  rate: number;
  timer: ClockTimer | undefined;
}

interface DeviceState {
  waiting: DeviceJob[];
  running: RunningJob | undefined;
  busyNs: Nanoseconds;
  slowFactor: number;
  slowUntil: Nanoseconds;
}

/** Devices that each do one task at a time, first come first served, at a rate that faults and neighbours change. */
export function createVirtualDevices(clock: Clock, ids: Iterable<string>, rateOf?: DeviceRate): VirtualDevices {
  const states = new Map<string, DeviceState>();
  for (const id of ids) states.set(id, { waiting: [], running: undefined, busyNs: 0, slowFactor: 1, slowUntil: 0 });
  const working = new Set<string>();
  const stateOf = (id: string): DeviceState => must(states.get(id), "a device of the run");

  const finish = (id: string, state: DeviceState): void => {
    const { job, startedAt } = must(state.running, "a device that works");
    const tookNs = clock.now() - startedAt;
    leave(id, state);
    job.done(tookNs);
  };

  /** The device stops working on its job and takes the next. */
  const leave = (id: string, state: DeviceState): void => {
    const { startedAt, timer } = must(state.running, "a device that works");
    timer?.cancel();
    state.busyNs += clock.now() - startedAt;
    state.running = undefined;
    working.delete(id);
    const next = state.waiting.shift();
    if (next === undefined) changeRates();
    else start(id, state, next);
  };

  const start = (id: string, state: DeviceState, job: DeviceJob): void => {
    const now = clock.now();
    const left = now < state.slowUntil ? job.durationNs * state.slowFactor : job.durationNs;
    state.running = { job, startedAt: now, left, since: now, rate: 0, timer: undefined };
    working.add(id);
    if (rateOf === undefined) setRate(id, state, 1);
    else changeRates();
  };

  const changeRates = (): void => {
    if (rateOf === undefined) return;
    for (const id of working) setRate(id, stateOf(id), rateOf(id, working));
  };

  const setRate = (id: string, state: DeviceState, rate: number): void => {
    const running = must(state.running, "a device that works");
    if (running.rate === rate) return;
    const now = clock.now();
    running.left = Math.max(0, running.left - (now - running.since) * running.rate);
    running.since = now;
    running.rate = rate;
    running.timer?.cancel();
    running.timer = clock.schedule(now + Math.round(running.left / rate), () => finish(id, state));
  };

  return {
    submit: (id, job) => {
      const state = stateOf(id);
      if (state.running === undefined) start(id, state, job);
      else state.waiting.push(job);
    },
    drop: (owner) => {
      for (const state of states.values()) state.waiting = state.waiting.filter((job) => job.owner !== owner);
      for (const [id, state] of states) if (state.running?.job.owner === owner) leave(id, state);
    },
    slow: (id, factor, untilNs) => {
      const state = stateOf(id);
      state.slowFactor = factor;
      state.slowUntil = untilNs;
    },
    busyNs: () =>
      new Map(
        [...states].map(([id, state]) => [id, state.busyNs + (state.running === undefined ? 0 : clock.now() - state.running.startedAt)]),
      ),
  };
}
