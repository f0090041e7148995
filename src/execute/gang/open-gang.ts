import { bytesOf } from "../../base/bytes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { readOnnx } from "../../graph/onnx/read-onnx.ts";
import { type GangProgram, type GangSegment, gangFault } from "../../graph/program/gang-program.ts";
import type { Seat, SeatStage, Seats, SlotId } from "../seat/seat-types.ts";
import { type GangRow, type RankRun, runRank } from "./run-rank.ts";

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

export type SlotNames = Readonly<Record<string, SlotId>>;

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
  let calls = 0;
  return {
    members,
    run: async (given, wanted, nextSlot) => {
      const first = calls;
      const ids = members.map(({ id }) => id);
      const runs = ranks.map((rank, index): Promise<readonly GangRow[]> => {
        return runRank({ ...rank, members: ids, firstCall: first, given: given[index] ?? {}, wanted: wanted[index] ?? {}, nextSlot });
      });
      calls += programs[0]?.steps.filter(({ type }) => type === "collective").length ?? 0;
      const ended = await Promise.allSettled(runs);
      const failed = ended.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
      if (failed.length > 0) throw causeOf(failed);
      return { rows: ended.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])) };
    },
    release: async () => {
      for (const { stages } of ranks) for (const stage of stages.values()) await stage.release();
    },
  };
}

type LoadedRank = Pick<RankRun, "seat" | "program" | "stages">;

async function loadRank(seat: Seat, program: GangProgram): Promise<LoadedRank> {
  const stages = new Map<string, SeatStage>();
  for (const step of program.steps) if (step.type === "segment") stages.set(step.name, await loadSegment(seat, step));
  return { seat, program, stages };
}

function loadSegment(seat: Seat, { model }: GangSegment): Promise<SeatStage> {
  const { graph } = readOnnx(bytesOf(model.model));
  const files = Object.fromEntries(model.weights.map(({ path, data }) => [path, data]));
  return seat.load({ program: { type: "onnx-bytes", model: model.model, files }, operators: graph.operators.map((_one, id) => id) });
}

/** A lost member says more than what its loss did to the others. */
function causeOf(failed: readonly unknown[]): unknown {
  return failed.find((one) => one instanceof HeddleError && one.code === "host-lost") ?? failed[0];
}
