import type { LayerFlowProblem, Placement } from "./problem.ts";

/** What breaks a placement. */
export type PlacementBreach =
  | { readonly code: "layers-held"; readonly machine: number; readonly count: number }
  | { readonly code: "range"; readonly machine: number; readonly start: number; readonly count: number };

export interface PlacementScore {
  /** Tokens a second through the whole model. */
  readonly flow: number;
  /** Flow over every link that carries any; `source` and `sink` are -1 and `machines`. */
  readonly routes: readonly Route[];
  /** Certificate: machines on the source's side of a cut as small as the flow, those whose own rate is cut included. */
  readonly cut: { readonly value: number; readonly before: readonly number[]; readonly through: readonly number[] };
  readonly breaches: readonly PlacementBreach[];
}

export interface Route {
  readonly from: number;
  readonly to: number;
  readonly flow: number;
}

/** Capacity that is rounding, in tokens/s. */
const NOTHING = 1e-9;

/**
 * Scores a placement: the largest flow of tokens from the first layer to the last, with the cut that proves it.
 *
 * Model: a machine passes at most its rate; a link from i to j is open where j starts at i's end (with `overlap`: starts no later and ends later).
 * Why: written apart from the search's network, by shortest augmenting paths over a matrix, so that either finds a fault in the other.
 * Source: Mei et al., ASPLOS 2025, section 4; the published model files have no overlap.
 */
export function evaluatePlacement(problem: LayerFlowProblem, placement: Placement): PlacementScore {
  const count = problem.machines.length;
  const [source, sink] = [2 * count, 2 * count + 1];
  const size = 2 * count + 2;
  const capacity = capacities(problem, placement);
  const left = Float64Array.from(capacity);
  let flow = 0;
  for (let reached = search(left, size, source); reached[sink]! >= 0; reached = search(left, size, source)) {
    let most = Infinity;
    for (let node = sink; node !== source; node = reached[node]!) most = Math.min(most, left[reached[node]! * size + node]!);
    for (let node = sink; node !== source; node = reached[node]!) {
      const before = reached[node]!;
      left[before * size + node] = left[before * size + node]! - most;
      left[node * size + before] = left[node * size + before]! + most;
    }
    flow += most;
  }
  return {
    flow,
    routes: routesOf(capacity, left, count),
    cut: cutOf(capacity, search(left, size, source), count),
    breaches: breachesOf(problem, placement),
  };
}

/** Capacity between all nodes: 2i takes in at machine i, 2i + 1 hands out. */
function capacities(
  { layers, kinds, machines, links, sourceLinks, sinkLinks, overlap }: LayerFlowProblem,
  { start, count }: Placement,
): Float64Array {
  const size = 2 * machines.length + 2;
  const capacity = new Float64Array(size * size);
  machines.forEach((kind, i) => {
    if (count[i] === 0) return;
    const end = start[i]! + count[i]!;
    capacity[2 * i * size + 2 * i + 1] = kinds[kind]!.tokensPerSec[count[i]! - 1] ?? 0;
    if (start[i] === 0) capacity[(size - 2) * size + 2 * i] = sourceLinks[i]!;
    if (end === layers) capacity[(2 * i + 1) * size + size - 1] = sinkLinks[i]!;
    machines.forEach((_kind, j) => {
      const open = overlap ? start[j]! <= end && end < start[j]! + count[j]! : start[j] === end;
      if (j !== i && count[j]! > 0 && open) capacity[(2 * i + 1) * size + 2 * j] = links[i * machines.length + j]!;
    });
  });
  return capacity;
}

/** Node before each in a search by breadth over what has capacity left; -1 where not reached. */
function search(left: Float64Array, size: number, source: number): Int32Array {
  const before = new Int32Array(size).fill(-1);
  before[source] = source;
  const open = [source];
  for (const node of open) {
    for (let to = 0; to < size; to++) {
      if (before[to]! >= 0 || left[node * size + to]! <= NOTHING) continue;
      before[to] = node;
      open.push(to);
    }
  }
  return before;
}

function routesOf(capacity: Float64Array, left: Float64Array, count: number): readonly Route[] {
  const size = 2 * count + 2;
  const machineOf = (node: number): number => (node === 2 * count ? -1 : node >> 1);
  const routes: Route[] = [];
  for (let from = 0; from < size; from++) {
    for (let to = 0; to < size; to++) {
      const flow = capacity[from * size + to]! - left[from * size + to]!;
      if (flow > NOTHING && machineOf(from) !== machineOf(to)) routes.push({ from: machineOf(from), to: machineOf(to), flow });
    }
  }
  return routes;
}

function cutOf(capacity: Float64Array, reached: Int32Array, count: number): PlacementScore["cut"] {
  const size = 2 * count + 2;
  let value = 0;
  for (let from = 0; from < size; from++) {
    for (let to = 0; to < size; to++) if (reached[from]! >= 0 && reached[to]! < 0) value += capacity[from * size + to]!;
  }
  const machines = Array.from({ length: count }, (_zero, i) => i);
  return {
    value,
    before: machines.filter((i) => reached[2 * i + 1]! >= 0),
    through: machines.filter((i) => reached[2 * i]! >= 0 && reached[2 * i + 1]! < 0),
  };
}

function breachesOf({ layers, kinds, machines }: LayerFlowProblem, { start, count }: Placement): readonly PlacementBreach[] {
  return machines.flatMap((kind, machine): PlacementBreach[] => {
    const [first, held] = [start[machine]!, count[machine]!];
    if (held > kinds[kind]!.tokensPerSec.length) return [{ code: "layers-held", machine, count: held }];
    return held < 0 || first < 0 || first + held > layers ? [{ code: "range", machine, start: first, count: held }] : [];
  });
}
