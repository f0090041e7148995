import { components } from "./components.ts";
import { listsOf } from "./csr.ts";
import { latencyBound } from "./latency.ts";
import type { PartitionProblem } from "./problem.ts";

/**
 * A time of one sample that no placement is below, with what memory forces: more devices, and the transfers between them.
 *
 * Model: take the nodes of one path. A device behind a link runs in one go, so a path never returns to it: its nodes of the path are neighbours on it, with
 * all nodes between them on any path, which share its memory; these devices run one after another. Where the path passes from one unit to another, each
 * side behind a link moves something: on every way from the one node to the next the dearest way's cheapest output at least. A programme over the path
 * gives the cheapest way to cut it under memory and the number of devices. Nodes on devices of factor 0 (CPUs) are units of their own.
 * Of several paths the best bound counts; the bound of the longest path alone is one of them.
 * Complexity: O(path^2 x device states + path x nodes) a path; a path that `shouldStop` cuts short counts nothing.
 */
export function chainBound(problem: PartitionProblem, shouldStop: () => boolean = () => false): number {
  const plain = latencyBound(problem);
  const order = topological(problem);
  if (order === undefined) return plain;
  const { nodes, types } = problem;
  const able = types.map(({ count }) => count > 0);
  const least = nodes.map(({ times }) => Math.min(...times.filter((_time, t) => able[t])));
  const weights = [least, nodes.map(({ bytes }) => bytes), nodes.map(({ outputCost }) => outputCost), nodes.map(() => 1)];
  const walk = { problem, order, least, shouldStop };
  return weights.reduce((best, weight) => Math.max(best, alongChain(walk, heaviestPath(walk, weight))), plain);
}

interface Walk {
  readonly problem: PartitionProblem;
  readonly order: readonly number[];
  /** Time of every node on the type that is fastest for it. */
  readonly least: readonly number[];
  readonly shouldStop: () => boolean;
}

function topological({ nodes, edges }: PartitionProblem): readonly number[] | undefined {
  const successors: number[][] = nodes.map(() => []);
  for (const [source, target] of edges) successors[source]!.push(target);
  const { componentOf, count } = components(listsOf(successors));
  if (count < nodes.length) return undefined;
  return Array.from(nodes.keys()).sort((a, b) => componentOf[a]! - componentOf[b]!);
}

function inputsOf({ nodes, edges }: PartitionProblem): readonly (readonly number[])[] {
  const inputs: number[][] = nodes.map(() => []);
  for (const [source, target] of edges) inputs[target]!.push(source);
  return inputs;
}

function heaviestPath({ problem, order }: Walk, weight: readonly number[]): readonly number[] {
  const inputs = inputsOf(problem);
  const before = new Int32Array(weight.length).fill(-1);
  const reach = new Float64Array(weight.length);
  let last = order[0] ?? -1;
  for (const v of order) {
    for (const u of inputs[v]!) if (before[v] === -1 || reach[u]! > reach[before[v]!]!) before[v] = u;
    reach[v] = weight[v]! + (before[v] === -1 ? 0 : reach[before[v]!]!);
    if (reach[v]! > reach[last]!) last = v;
  }
  const path: number[] = [];
  for (let v = last; v !== -1; v = before[v]!) path.push(v);
  return path.reverse();
}

/** The least time in which the units of a path can run, one after another. */
function alongChain(walk: Walk, path: readonly number[]): number {
  const { problem, least } = walk;
  const { types } = problem;
  const linked = types.flatMap(({ transferFactor, count }, t) => (transferFactor > 0 && count > 0 ? [t] : []));
  const radix = radixOf(linked.map((t) => types[t]!.count));
  const best = path.map(() => new Float64Array(radix.states).fill(Infinity));
  const { inside, between, crossing } = passages(walk, path);
  const ending = Array.from({ length: path.length + 1 }, (): number[] => []);
  for (const [v, end] of inside.before.entries()) ending[end]!.push(v);
  for (let i = 0; i < path.length; i++) {
    if (walk.shouldStop()) return 0;
    const start = Float64Array.from({ length: radix.states }, (_zero, used) =>
      i === 0 ? (used === 0 ? 0 : Infinity) : best[i - 1]![used]! + between[i - 1]!,
    );
    const alone = Math.min(
      ...types.map(({ count, transferFactor }, t) => (count > 0 && transferFactor === 0 ? problem.nodes[path[i]!]!.times[t]! : Infinity)),
    );
    relax(best[i]!, start, { time: alone, width: 0, full: 1 });
    for (const piece of pieces(walk, path, i, { after: inside.after, ending })) {
      linked.forEach((t, digit) => {
        const { transferFactor, memoryBytes } = types[t]!;
        const moved = (i === 0 ? 0 : crossing[i - 1]!) + (piece.end === path.length - 1 ? 0 : crossing[piece.end]!);
        if (piece.bytes > memoryBytes) return;
        relax(best[piece.end]!, start, {
          time: piece.times[t]! + transferFactor * moved,
          width: radix.width[digit]!,
          full: radix.width[digit + 1]!,
        });
      });
    }
  }
  const rest = outside(walk, path, least);
  return path.length === 0 ? 0 : rest + Math.min(...best[path.length - 1]!);
}

/** Numbers for how many devices of each type are used; where there are too many, devices are not counted, which only lowers the bound. */
function radixOf(counts: readonly number[]): { readonly width: readonly number[]; readonly states: number } {
  const width = [1];
  for (const count of counts) width.push(width[width.length - 1]! * (count + 1));
  const states = width[counts.length]!;
  return states <= STATES_MAX ? { width, states } : { width: width.map(() => 0), states: 1 };
}

const STATES_MAX = 2048;

function relax(
  into: Float64Array,
  start: Float64Array,
  { time, width, full }: { readonly time: number; readonly width: number; readonly full: number },
): void {
  if (time === Infinity) return;
  for (let used = 0; used < start.length; used++) {
    if (width > 0 && (used % full) + width >= full) continue;
    into[used + width] = Math.min(into[used + width]!, start[used]! + time);
  }
}

interface Piece {
  /** Index on the path of its last node. */
  readonly end: number;
  readonly bytes: number;
  readonly times: Float64Array;
}

/** Pieces that begin at a node of the path: with each later node, everything between the two. They end where no device holds more. */
function* pieces(
  { problem }: Walk,
  path: readonly number[],
  begin: number,
  { after, ending }: { readonly after: Int32Array; readonly ending: readonly (readonly number[])[] },
): Iterable<Piece> {
  const { nodes, types } = problem;
  const room = types.reduce((most, { count, memoryBytes }) => (count > 0 ? Math.max(most, memoryBytes) : most), 0);
  const times = new Float64Array(types.length);
  let bytes = 0;
  for (let end = begin; end < path.length; end++) {
    // A node whose first successor on the path is this one comes in here, or, where it comes from before the piece, not at all.
    for (const v of ending[end]!) {
      if (after[v]! < begin) continue;
      bytes += nodes[v]!.bytes;
      for (let t = 0; t < times.length; t++) times[t] = times[t]! + nodes[v]!.times[t]!;
    }
    if (bytes > room) return;
    yield { end, bytes, times };
  }
}

interface Passages {
  /** Last node of the path that leads to a node, or is it (-1: none), and first one that it leads to (path length: none). */
  readonly inside: { readonly after: Int32Array; readonly before: Int32Array };
  /** Least time of what lies between a node of the path and the next, and what a unit that ends or begins there moves at least. */
  readonly between: Float64Array;
  readonly crossing: Float64Array;
}

function passages({ problem, order, least }: Walk, path: readonly number[]): Passages {
  const inputs = inputsOf(problem);
  const at = new Int32Array(problem.nodes.length).fill(-1);
  path.forEach((v, i) => {
    at[v] = i;
  });
  const after = at.slice();
  for (const v of order) for (const u of inputs[v]!) after[v] = Math.max(after[v]!, after[u]!);
  const before = at.map((i) => (i === -1 ? path.length : i));
  for (const v of [...order].reverse()) for (const u of inputs[v]!) before[u] = Math.min(before[u]!, before[v]!);
  const between = new Float64Array(Math.max(0, path.length - 1));
  const crossing = new Float64Array(between.length);
  // From a node of the path to the next, nodes between have the one as last before them and the other as first after.
  const longest = new Float64Array(problem.nodes.length);
  const widest = new Float64Array(problem.nodes.length);
  for (const v of order) {
    const from = at[v] === -1 ? after[v]! : at[v]! - 1;
    const cost = problem.nodes[v]!.outputCost;
    let time = 0;
    let wide = 0;
    for (const u of inputs[v]!) {
      const starts = at[u] === from && from >= 0;
      const within = at[u] === -1 && after[u] === from && before[u] === from + 1;
      if (!starts && !within) continue;
      time = Math.max(time, starts ? 0 : longest[u]!);
      wide = Math.max(wide, starts ? problem.nodes[u]!.outputCost : widest[u]!);
    }
    longest[v] = time + least[v]!;
    widest[v] = Math.min(cost, wide);
    if (at[v]! > 0) {
      between[at[v]! - 1] = time;
      crossing[at[v]! - 1] = wide;
    }
  }
  return { inside: { after, before }, between, crossing };
}

/** Least time before the first node of a path and after the last. */
function outside({ problem, order }: Walk, path: readonly number[], least: readonly number[]): number {
  const inputs = inputsOf(problem);
  const ends = new Float64Array(least.length);
  for (const v of order) {
    for (const u of inputs[v]!) ends[v] = Math.max(ends[v]!, ends[u]! + least[u]!);
  }
  const tail = new Float64Array(least.length);
  for (const v of [...order].reverse()) for (const u of inputs[v]!) tail[u] = Math.max(tail[u]!, tail[v]! + least[v]!);
  return path.length === 0 ? 0 : ends[path[0]!]! + tail[path[path.length - 1]!]!;
}
