import { bytesOf } from "../../base/bytes.ts";
import { readOnnx } from "../../graph/onnx/read-onnx.ts";
import type { GangProgram, GangSegment } from "../../graph/program/gang-program.ts";
import type { ProgramSource, Seat, SeatStage } from "../seat/seat-types.ts";

/** A member's program with its segments loaded at a seat. */
export interface LoadedRank {
  readonly program: GangProgram;
  /** By name of segment. */
  readonly stages: ReadonlyMap<string, SeatStage>;
  /** Of all segments together. Units: ns. */
  readonly compileNs: number;
  release(): Promise<void>;
}

/** Loads the segments of a member one after another; where one fails, those before it are released. Errors: those of loading. */
export async function loadRank(seat: Seat, program: GangProgram): Promise<LoadedRank> {
  const stages = new Map<string, SeatStage>();
  const release = async (): Promise<void> => {
    for (const stage of stages.values()) await stage.release();
  };
  try {
    for (const step of program.steps) if (step.type === "segment") stages.set(step.name, await loadSegment(seat, step));
  } catch (thrown) {
    // A seat that is gone has released everything.
    await release().catch(() => undefined);
    throw thrown;
  }
  return { program, stages, compileNs: [...stages.values()].reduce((sum, { compileNs }) => sum + compileNs, 0), release };
}

function loadSegment(seat: Seat, segment: GangSegment): Promise<SeatStage> {
  return seat.load({ program: segmentSource(segment), operators: segmentOperators(segment) });
}

/** Where workers find a segment's bytes. */
export function segmentSource({ model }: GangSegment): ProgramSource {
  return { type: "onnx-bytes", model: model.model, files: Object.fromEntries(model.weights.map(({ path, data }) => [path, data])) };
}

export function segmentOperators({ model }: GangSegment): readonly number[] {
  return readOnnx(bytesOf(model.model)).graph.operators.map((_one, id) => id);
}
