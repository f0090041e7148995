import { HeddleError } from "../../src/base/heddle-error.ts";
import { loadRank } from "../../src/execute/gang/load-rank.ts";
import type { GangRow } from "../../src/execute/gang/run-rank.ts";
import { collectivesOf, runRanks, type SlotNames } from "../../src/execute/gang/run-ranks.ts";
import type { Seat, Seats, SlotId } from "../../src/execute/seat/seat-types.ts";
import { createWallClock } from "../../src/execute/wall-clock.ts";
import { type GangProgram, gangFault } from "../../src/graph/program/gang-program.ts";

/** Members of a gang with their segments loaded. */
export interface Gang {
  readonly members: readonly Seat[];
  /**
   * Runs the gang's program once: all steps of all members are given out at once, and slots make their order. `given` and `wanted` name slots of
   * the member at that place, by the names of values; what lies between takes slots of `nextSlot` and is freed.
   *
   * Errors: those of its steps; `host-lost` where a member is lost, and what the others had begun is void.
   */
  run(given: readonly SlotNames[], wanted: readonly SlotNames[], nextSlot: () => SlotId): Promise<GangRun>;
  release(): Promise<void>;
}

export interface GangRun {
  /** What each member did, in its own order. */
  readonly rows: readonly (readonly GangRow[])[];
}

/**
 * Joins the members and loads each one's segments; member i runs program i.
 *
 * Errors: `input-invalid` where programs do not make a gang or are not as many as members; those of loading.
 */
export async function openGang(seats: Pick<Seats, "connect">, members: readonly Seat[], programs: readonly GangProgram[]): Promise<Gang> {
  const fault = programs.length === members.length ? gangFault(programs) : `${programs.length} programs for ${members.length} members`;
  if (fault !== undefined) throw new HeddleError("input-invalid", { where: "gang", detail: fault });
  for (const [index, left] of members.entries()) for (const right of members.slice(index + 1)) await seats.connect(left, right);
  const ranks = await Promise.all(programs.map((program, rank) => loadRank(members[rank]!, program)));
  const clock = createWallClock();
  let calls = 0;
  return {
    members,
    run: async (given, wanted, nextSlot) => {
      const firstCall = calls;
      calls += collectivesOf(programs[0]!);
      const ended = await runRanks({ seats: members, ranks, given, wanted, firstCall, nextSlot, now: () => clock.now() });
      if (!ended.ok) throw ended.failure.error;
      return { rows: ended.members.map(({ rows }) => rows) };
    },
    release: async () => {
      for (const rank of ranks) await rank.release();
    },
  };
}
