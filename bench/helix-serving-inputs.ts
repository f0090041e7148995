/** KV, step times and delays of the clusters of Thesys-lab/Helix-ASPLOS25. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { LayerFlowProblem } from "../src/plan/layer-flow/problem.ts";
import type { ServingKind, ServingModel } from "../src/plan/layer-flow/serving.ts";
import { readIni } from "./helix-inputs.ts";

export interface ServingInput {
  /** Folder of the data set, and of one model's step times in it. */
  readonly folder: string;
  readonly model: string;
  /** Folder of placements whose cluster files name the KV of machines. */
  readonly layouts: string;
  readonly cluster: string;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

export function readServing(problem: LayerFlowProblem, input: ServingInput): ServingModel {
  const room = readKvRoom(`${input.folder}/${input.layouts}`);
  const delays = readDelays(input.cluster, problem.machines.length);
  return {
    promptTokens: input.promptTokens,
    outputTokens: input.outputTokens,
    kinds: problem.kinds.map(({ name, tokensPerSec }): ServingKind => {
      const times = `${input.folder}/simulator/model_manager/${input.model}/${name.toLowerCase()}`;
      const kvOf = room.get(name)!;
      return {
        kvTokenLayers: tokensPerSec.map((_rate, at) => kvOf(at + 1)),
        decodeSec: readTable(`${times}/decode_bs2time.csv`),
        promptSec: at(readTable(`${times}/prompt_bs2time.csv`), input.promptTokens),
      };
    }),
    ...delays,
  };
}

/** Batch and seconds; the files say milliseconds and begin with a row of zeros. */
function readTable(path: string): readonly (readonly [number, number])[] {
  const rows = readFileSync(path, "utf8").trim().split("\n");
  return rows.map((row) => row.split(",").map(Number)).flatMap(([batch, ms]) => (batch! > 0 ? [[batch!, ms! / 1e3] as const] : []));
}

/** Between two rows, in proportion. */
function at(table: readonly (readonly [number, number])[], batch: number): number {
  const above = Math.max(
    1,
    table.findIndex(([size]) => size >= batch),
  );
  const [[low, from], [high, to]] = [table[above - 1]!, table[above]!];
  return from + ((to - from) * (batch - low)) / (high - low);
}

/**
 * Token-layers of KV by machine kind and layers held. Cluster files beside placements name them for the numbers of layers that occur; others lie on the line
 * through the fewest and the most layers that do, which all named ones keep to within 0.1 %.
 */
function readKvRoom(folder: string): ReadonlyMap<string, (layers: number) => number> {
  const points = new Map<string, Map<number, number>>();
  for (const layout of ["ilp", "petals", "swarm"]) {
    const solution = readdirSync(`${folder}/${layout}`).find((file) => file.endsWith("_sol.ini"));
    const cluster = `${folder}/${layout}/simulator_cluster.ini`;
    if (solution === undefined || !existsSync(cluster)) continue;
    const held = readIni(`${folder}/${layout}/${solution}`).get("Solution")!;
    for (const [machine, section] of readIni(cluster)) {
      const layers = held.get(machine)?.split(",").length;
      const kind = section.get("machine_type")?.replaceAll('"', "");
      if (layers === undefined || kind === undefined) continue;
      const byLayers = points.get(kind) ?? new Map<number, number>();
      points.set(kind, byLayers.set(layers, Number(section.get("kv_cache_capacity"))));
    }
  }
  return new Map(
    [...points].map(([kind, byLayers]) => {
      const [few, many] = [Math.min(...byLayers.keys()), Math.max(...byLayers.keys())];
      const slope = (byLayers.get(many)! - byLayers.get(few)!) / (many - few);
      return [kind, (layers: number): number => byLayers.get(layers) ?? byLayers.get(few)! + slope * (layers - few)];
    }),
  );
}

function readDelays(path: string, machines: number): Pick<ServingModel, "linkSec" | "sourceSec" | "sinkSec"> {
  const linkSec = new Float64Array(machines * machines);
  const sourceSec = new Float64Array(machines);
  const sinkSec = new Float64Array(machines);
  for (const [name, section] of readIni(path)) {
    const ends = /^Link-(\w+)-(\w+)$/.exec(name);
    const ms = /^([\d.]+) \* MilliSec$/.exec(section.get("latency") ?? "");
    if (ends === null || ms === null) continue;
    const seconds = Number(ms[1]) / 1e3;
    const [from, to] = [Number(ends[1]), Number(ends[2])];
    if (ends[1] === "source") sourceSec[to] = seconds;
    else if (ends[2] === "sink") sinkSec[from] = seconds;
    else linkSec[from * machines + to] = linkSec[to * machines + from] = seconds;
  }
  return { linkSec, sourceSec, sinkSec };
}
