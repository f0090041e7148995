import { HeddleError } from "../../base/heddle-error.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { GangProgram } from "../../graph/program/gang-program.ts";
import type { Seat, SlotId, StopSignal } from "../seat/seat-types.ts";
import type { LoadedRank } from "./load-rank.ts";
import { type RankResult, runRank } from "./run-rank.ts";

export type SlotNames = Readonly<Record<string, SlotId>>;

/** A gang with its slots for one run; all lists are by member. */
export interface RanksRun {
  readonly seats: readonly Seat[];
  readonly ranks: readonly Pick<LoadedRank, "program" | "stages">[];
  readonly given: readonly SlotNames[];
  readonly wanted: readonly SlotNames[];
  /** Number of its first collective; it takes as many as `collectivesOf` says. */
  readonly firstCall: number;
  readonly nextSlot: () => SlotId;
  readonly now: () => Nanoseconds;
  readonly signal?: StopSignal;
}

/** The member whose failure made the others fail, and what it was. */
export interface GangFailure {
  readonly member: number;
  readonly error: HeddleError;
}

export type RanksResult =
  | { readonly ok: true; readonly members: readonly RankResult[] }
  | { readonly ok: false; readonly failure: GangFailure };

/** Runs every member's program; resolves when all steps of all members have ended, well or not. */
export async function runRanks({ seats, ranks, given, wanted, ...run }: RanksRun): Promise<RanksResult> {
  const members = seats.map(({ id }) => id);
  const ended = await Promise.all(
    ranks.map(({ program, stages }, member) => {
      const [own, wants] = [given[member] ?? {}, wanted[member] ?? {}];
      return runRank({ ...run, seat: seats[member]!, program, stages, members, given: own, wanted: wants });
    }),
  );
  const failures = ended.flatMap((one, member) => (one.ok ? [] : [{ member, ...one }]));
  if (failures.length === 0) return { ok: true, members: ended.flatMap((one) => (one.ok ? [one] : [])) };
  const { member, error } = causeOf(failures);
  // What was taken back is told as that, whatever missed what it would have made.
  const taken = run.signal?.aborted === true && error.code !== "host-lost";
  return { ok: false, failure: { member, error: taken ? new HeddleError("cancelled") : error } };
}

/** Collectives of one run. */
export function collectivesOf({ steps }: GangProgram): number {
  return steps.filter(({ type }) => type === "collective").length;
}

/** A lost member says more than what its loss did to the others; else the one that came least far says most: the others failed for want of it. */
function causeOf(failures: readonly (GangFailure & { readonly at: number })[]): GangFailure {
  const lost = failures.find(({ error }) => error.code === "host-lost");
  return lost ?? failures.reduce((least, one) => (one.at < least.at ? one : least));
}
