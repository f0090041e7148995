import { type HeddleError, toHeddleError } from "../../base/heddle-error.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { GangProgram } from "../../graph/program/gang-program.ts";
import type { Seat, SlotId } from "../seat/seat-types.ts";
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
  readonly signal?: AbortSignal;
}

/** The member whose failure made the others fail, and what it was. */
export interface RankFailure {
  readonly member: number;
  readonly error: HeddleError;
}

export type RanksResult =
  | { readonly ok: true; readonly members: readonly RankResult[] }
  | { readonly ok: false; readonly failure: RankFailure };

/** Runs every member's program; resolves when all steps of all members have ended, well or not. */
export async function runRanks({ seats, ranks, given, wanted, ...run }: RanksRun): Promise<RanksResult> {
  const members = seats.map(({ id }) => id);
  const ended = await Promise.allSettled(
    ranks.map(({ program, stages }, at) =>
      runRank({ ...run, seat: seats[at]!, program, stages, members, given: given[at] ?? {}, wanted: wanted[at] ?? {} }),
    ),
  );
  const failures = ended.flatMap((one, member): RankFailure[] =>
    one.status === "rejected" ? [{ member, error: toHeddleError(one.reason) }] : [],
  );
  const [first] = failures;
  if (first !== undefined) return { ok: false, failure: causeOf(failures) ?? first };
  return { ok: true, members: ended.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])) };
}

/** Collectives of one run. */
export function collectivesOf({ steps }: GangProgram): number {
  return steps.filter(({ type }) => type === "collective").length;
}

/** A lost member, or one that failed by itself, says more than what that did to the others. */
function causeOf(failures: readonly RankFailure[]): RankFailure | undefined {
  return failures.find(({ error }) => error.code === "host-lost") ?? failures.find(({ error }) => error.code !== "cancelled");
}
