import type { Nanoseconds, Ratio } from "../../base/units.ts";
import type { WayChoice, WayRecord } from "../../policy/way-choice.ts";
import type { DeviceId, StageId, TaskId } from "./dataflow-types.ts";

/**
 * Work that comes again. A bout is all that comes from a moment at which nothing is pending until nothing is again; where one is made of what the last one was that began alike,
 * its makespan counts for the way it went: over all devices, or on one alone (`policy/way-choice.ts`). One that began alike and was nearly as much counts in
 * proportion: of texts written at once the last tokens of the longest are a bout of their own whenever nothing else is pending.
 *
 * Why: what devices of one machine take from one another, what a message to a device takes, and where its process runs are in no forecast as they are in a
 * makespan: 200 tiny runs, one after another, took 1.06 to 1.13 times as long as on the better of two equal cores; four texts written at once 1.17 times as long.
 *
 * What it does not do: of 48 simulated racks with costs that are in no history, all devices together took over 1.05 times what the best way takes on 16, 1.55 at most; with
 * ways compared on 3 (1.06, 1.09 and 1.16 after 30 bouts), where trials taught the histories what made the way over all devices itself slower than without them.
 */
export interface Bouts {
  /** By what a bout begins with; the one that came last is the last. */
  readonly known: Map<number, BoutRecord>;
  current: Bout | undefined;
}

export interface BoutRecord {
  /** What it is made of, in one number, and of how many tasks. */
  readonly content: number;
  readonly tasks: number;
  /** Times in a row that what came was only nearly this. */
  unlike: number;
  readonly kinds: readonly BoutKind[];
  readonly ways: WayRecord;
  /** What the client was told last. */
  told: string;
}

/** Tasks of one kind in a bout. */
export interface BoutKind {
  readonly stage: StageId;
  readonly footprint: number;
  work: Ratio;
}

/** The bout that is under way. */
export interface Bout {
  readonly key: number;
  readonly first: TaskId;
  readonly startedAt: Nanoseconds;
  readonly choice: WayChoice;
  /** The device it is to be on; MIXED: all. */
  readonly device: DeviceId;
  readonly kinds: Map<number, BoutKind>;
  content: number;
  tasks: number;
  /** Its makespan says nothing of its way: something was loaded, lost or cancelled, or a task went elsewhere. */
  spoilt: boolean;
  /** Too large, or of tasks that are bound to devices: it is not kept. */
  forgotten: boolean;
}

export function createBouts(): Bouts {
  return { known: new Map(), current: undefined };
}
