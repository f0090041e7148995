/** Reads the inputs of msr-fiddle/piper. */
import { readFileSync } from "node:fs";
import type { NodeChoice, PipelineProblem } from "../src/plan/pipeline-parallel/problem.ts";

interface RawChoice {
  readonly id: string;
  readonly timePerSample: number;
  readonly parameterSize: number;
  readonly memoryUsageA: number;
  readonly memoryUsageB: number;
  readonly syncTimeFw: Readonly<Record<string, number>>;
  readonly syncTimeBw: Readonly<Record<string, number>>;
}

interface RawInput {
  readonly bandwidth: number;
  readonly mbsInBatch: number;
  readonly nodes: readonly { readonly id: number; readonly name: string; readonly TMPCs: Readonly<Record<string, readonly RawChoice[]>> }[];
  readonly edges: readonly { readonly sourceId: number; readonly destId: number; readonly communicationCost: number }[];
}

export interface PipelineSize {
  readonly devices: number;
  readonly memoryBytes: number;
  /** Seconds in the file's unit of time. */
  readonly unitSeconds?: number;
}

/** One input on some devices in place of those the file names. */
export function readPipelineInput(path: string, { devices, memoryBytes, unitSeconds = 1 }: PipelineSize): PipelineProblem {
  const raw = JSON.parse(readFileSync(path, "utf8")) as RawInput;
  const indexOf = new Map(raw.nodes.map(({ id }, i) => [id, i]));
  const byIndex = (bytes: Readonly<Record<string, number>>): ReadonlyMap<number, number> =>
    new Map(Object.entries(bytes).map(([id, count]) => [indexOf.get(Number(id))!, count]));
  const choice = (way: RawChoice): NodeChoice => ({
    name: way.id,
    time: way.timePerSample,
    parameterBytes: way.parameterSize,
    bytesPerMicrobatch: way.memoryUsageA,
    fixedBytes: way.memoryUsageB,
    inputSyncBytes: byIndex(way.syncTimeFw),
    outputSyncBytes: byIndex(way.syncTimeBw),
  });
  return {
    devices,
    memoryBytes,
    bytesPerTime: raw.bandwidth * unitSeconds,
    microbatches: raw.mbsInBatch,
    nodes: raw.nodes.map(({ name, TMPCs }) => ({
      name,
      choices: new Map(Object.entries(TMPCs).map(([degree, ways]) => [Number(degree), ways.map(choice)])),
    })),
    edges: raw.edges.map(({ sourceId, destId, communicationCost }) => ({
      source: indexOf.get(sourceId)!,
      target: indexOf.get(destId)!,
      bytes: communicationCost,
    })),
  };
}
