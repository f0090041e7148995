/** Reads clusters, rates and placements of Thesys-lab/Helix-ASPLOS25. */
import { readFileSync } from "node:fs";
import type { LayerFlowProblem, MachineKind, Placement } from "../src/plan/layer-flow/problem.ts";

export interface FlowModel {
  readonly layers: number;
  /** Activation of one token between two machines. */
  readonly activationBytes: number;
  /** One token at the two ends. */
  readonly tokenBytes: number;
}

/** Bytes/s in the file's `mbps`: the published model has 1,000 mbps / 16,384 B = 61,035 tokens/s. */
const UNITS: Readonly<Record<string, number>> = { kbps: 1e3, mbps: 1e6, gbps: 1e9 };

/** One cluster file; rates of machines come from the published linear model, which names them machine by machine. */
export function readCluster(path: string, model: FlowModel, rates: ReadonlyMap<string, readonly number[]>): LayerFlowProblem {
  const sections = readIni(path);
  const machines = Number(sections.get("NodeNames")?.get("total_compute_nodes"));
  const typeOf = Array.from({ length: machines }, (_zero, i) => sections.get(`ComputeNode-${i}`)!.get("type")!);
  const kinds: readonly MachineKind[] = [...rates].map(([name, tokensPerSec]) => ({ name, tokensPerSec }));
  const links = new Float64Array(machines * machines);
  const sourceLinks = new Float64Array(machines);
  const sinkLinks = new Float64Array(machines);
  for (const [name, section] of sections) {
    const ends = /^Link-(\w+)-(\w+)$/.exec(name);
    if (ends === null) continue;
    const bytesPerSec = bandwidth(section.get("bandwidth")!);
    const [from, to] = [Number(ends[1]), Number(ends[2])];
    if (ends[1] === "source") sourceLinks[to] = bytesPerSec / model.tokenBytes;
    else if (ends[2] === "sink") sinkLinks[from] = bytesPerSec / model.tokenBytes;
    else {
      links[from * machines + to] = bytesPerSec / model.activationBytes;
      links[to * machines + from] = bytesPerSec / model.activationBytes;
    }
  }
  return {
    layers: model.layers,
    kinds,
    machines: typeOf.map((type) => kinds.findIndex(({ name }) => name === type)),
    links,
    sourceLinks,
    sinkLinks,
    overlap: false,
  };
}

/** Rate at 1, 2, ... layers of every machine kind, from the rows of a linear model (CPLEX LP text) and the cluster it was made for. */
export function readRates(lpPath: string, clusterPath: string): ReadonlyMap<string, readonly number[]> {
  const sections = readIni(clusterPath);
  const rates = new Map<string, number[]>();
  const text = readFileSync(lpPath, "utf8");
  for (const row of text.matchAll(/node_throughput_constraint_(\d+):([^:]*?)<= 0/g)) {
    const type = sections.get(`ComputeNode-${row[1]}`)!.get("type")!;
    const byLayers: number[] = [];
    for (const term of row[2]!.matchAll(/- ([\d.e+]+) hold_\d+_(\d+)/g)) byLayers[Number(term[2]) - 1] = Number(term[1]);
    rates.set(type, byLayers);
  }
  return rates;
}

/** A published placement; node ids start at the file's offset. */
export function readPlacement(path: string, machines: number): Placement {
  const text = readFileSync(path, "utf8");
  const offset = Number(/offset=(\d+)/.exec(text)?.[1]);
  const start = new Int32Array(machines);
  const count = new Int32Array(machines);
  for (const [, id, list] of text.matchAll(/compute_node_(\d+)=\[([^\]]*)\]/g)) {
    const held = list!.split(",").map(Number);
    start[Number(id) - offset] = held[0]!;
    count[Number(id) - offset] = held.length;
  }
  return { start, count };
}

/** The objective of a stored solution. */
export function readObjective(path: string): number {
  return Number(/Objective value = ([\d.e+]+)/.exec(readFileSync(path, "utf8"))?.[1]);
}

export function readIni(path: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const title = /^\[(.+)\]\s*$/.exec(line);
    if (title !== null) {
      section = new Map();
      sections.set(title[1]!, section);
      continue;
    }
    const at = line.indexOf("=");
    if (at > 0 && !line.startsWith("#")) section.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
  }
  return sections;
}

function bandwidth(text: string): number {
  const [, value, unit] = /^([\d.]+) \* (\w+)$/.exec(text)!;
  return Number(value) * UNITS[unit!]!;
}
