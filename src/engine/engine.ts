import type { Nanoseconds } from "../base/units.ts";

/**
 * A deterministic state machine: the same events at the same times give the same commands on every platform. State is plain data.
 *
 * Errors: a broken promise of the executor (unknown task, sample missing) is an assertion; everything a user or peer can cause is a command.
 */
export interface Engine<Event, Command, Snapshot> {
  step(event: Event, now: Nanoseconds): readonly Command[];
  /** A structured-clonable copy of the whole state; `restore` of it continues with equal commands. */
  snapshot(): Snapshot;
}
