import type { Hypergraph } from "./hypergraph.ts";
import type { Lattice } from "./lattice.ts";
import { emptyPiece, grow, type Piece, pieceLoad, shrink } from "./piece.ts";

/** What a split is judged by: its largest piece, or the sum of its pieces (a sample that passes through them one after another). */
export type SplitObjective = "largest" | "sum";

export interface SplitOptions {
  readonly objective: SplitObjective;
  /** Only splits below it are of interest. */
  readonly below: number;
  /** Lets several like devices share a piece, each with every so manyth sample; left out: one device a piece. */
  readonly replication?: Replication;
  /** Asked every few ten thousand steps. */
  readonly shouldStop?: () => boolean;
}

export interface Replication {
  /** Time to bring a byte of weights from one replica to another, per sample; 0 where weights do not change, as in inference. */
  readonly syncPerByte: number;
}

/** Load of a piece on each of r devices: a share of the samples, and its part of an all-reduce of the weights over a ring. */
export function replicatedLoad(load: number, replicas: number, sync: number): number {
  return load / replicas + (2 * (replicas - 1) * sync) / replicas;
}

export interface LatticeSplit {
  /** Device of every vertex; `undefined` where no split is below the limit, or the search was stopped. */
  readonly deviceOf: Int32Array | undefined;
  /** Devices that share each piece, by its first device: that one and those numbered next; 0 for devices that begin no piece. */
  readonly replicasOf: Int32Array;
  readonly value: number;
  readonly complete: boolean;
  /** Pieces looked at. */
  readonly moves: number;
}

/** Steps between two questions whether to stop. */
const STOP_STEPS = 0x7fff;

interface Table {
  readonly radix: Int32Array;
  readonly states: number;
  /** Best value of (ideal, devices used) at `ideal * states + used`; the ideal before its last piece, and that piece's type. */
  readonly value: Float64Array;
  readonly before: Int32Array;
  readonly type: Int8Array;
  readonly replicas: Int16Array;
}

/**
 * The best way to cut the whole lattice into pieces, each the difference of two ideals, each on a device of its own.
 *
 * Model: dynamic programme over (ideal, devices used of each type). From each ideal all larger ones are visited depth first, with the piece's load kept
 * step by step; a branch ends where the work alone reaches the best value known.
 * Complexity: O(pairs of ideals that differ by less than that x states).
 * Source: Tarnawski et al., NeurIPS 2020, section 5, with counts per device type.
 */
export function splitLattice(graph: Hypergraph, lattice: Lattice, options: SplitOptions): LatticeSplit {
  const table = emptyTable(graph, lattice);
  const piece = emptyPiece(graph);
  const stamp = new Int32Array(lattice.count).fill(-1);
  const whole = (lattice.count - 1) * table.states;
  const loads = new Float64Array(graph.types.length);
  let moves = 0;
  let stopped = false;
  let below = options.below;
  const { replication } = options;
  const visit = (root: number, ideal: number): void => {
    for (let step = lattice.start[ideal]!; step < lattice.start[ideal + 1]!; step++) {
      const next = lattice.next[step]!;
      if (stamp[next] === root || stopped) continue;
      stamp[next] = root;
      if ((++moves & STOP_STEPS) === 0 && options.shouldStop?.() === true) stopped = true;
      grow(piece, lattice.vertex[step]!);
      if (worthGrowing(piece, below, options.replication !== undefined)) {
        for (let t = 0; t < loads.length; t++) loads[t] = pieceLoad(piece, t);
        const sync = replication === undefined ? Infinity : replication.syncPerByte * piece.sums[loads.length + 1]!;
        relax(table, { root, next, loads, below, sync, sum: options.objective === "sum" });
        if (next === lattice.count - 1) below = Math.min(below, least(table, whole));
        visit(root, next);
      }
      shrink(piece, lattice.vertex[step]!);
    }
  };
  for (let ideal = 0; ideal < lattice.count && !stopped; ideal++) {
    if (least(table, ideal * table.states) < below) visit(ideal, ideal);
  }
  const value = least(table, whole);
  if (value === Infinity) return { deviceOf: undefined, replicasOf: new Int32Array(0), value, complete: !stopped, moves };
  return { ...traced(graph, lattice, table), value, complete: !stopped, moves };
}

function emptyTable(graph: Hypergraph, lattice: Lattice): Table {
  const radix = new Int32Array(graph.types.length);
  let states = 1;
  graph.types.forEach(({ count }, t) => {
    radix[t] = states;
    states *= count + 1;
  });
  const value = new Float64Array(lattice.count * states).fill(Infinity);
  value[0] = 0;
  return {
    radix,
    states,
    value,
    before: new Int32Array(value.length),
    type: new Int8Array(value.length),
    replicas: new Int16Array(value.length),
  };
}

/** Whether some type may hold the piece, or more, below the limit: neither work nor bytes ever shrink. */
function worthGrowing({ graph, sums }: Piece, below: number, replicated: boolean): boolean {
  const kinds = graph.types.length;
  for (let t = 0; t < kinds; t++) {
    const sharers = replicated ? Math.max(1, graph.types[t]!.count) : 1;
    if (sums[t]! / sharers < below && sums[kinds + 1]! <= graph.types[t]!.memoryBytes) return true;
  }
  return false;
}

interface Step {
  readonly root: number;
  readonly next: number;
  readonly loads: Float64Array;
  readonly below: number;
  /** Time to bring the weights of the piece from one replica to another; Infinity: no replicas. */
  readonly sync: number;
  readonly sum: boolean;
}

/** Offers a piece between two ideals to every state, on one device or shared by several of a type. */
function relax({ radix, states, value, before, type, replicas }: Table, { root, next, loads, below, sync, sum }: Step): void {
  for (let t = 0; t < radix.length; t++) {
    if (loads[t]! === Infinity) continue;
    const width = radix[t]!;
    const full = t + 1 < radix.length ? radix[t + 1]! : states;
    const sharersMax = sync === Infinity ? 1 : full / width - 1;
    for (let sharers = 1; sharers <= sharersMax; sharers++) {
      const load = sharers === 1 ? loads[t]! : replicatedLoad(loads[t]!, sharers, sync);
      if (load >= below) continue;
      for (let used = 0; used < states; used++) {
        const known = value[root * states + used]!;
        // Devices of this type are used up where adding them would carry into the next type's digit.
        if (known >= below || (used % full) + sharers * width >= full) continue;
        const offered = sum ? known + load : known > load ? known : load;
        const slot = next * states + used + sharers * width;
        if (offered >= value[slot]! || offered >= below) continue;
        value[slot] = offered;
        before[slot] = root;
        type[slot] = t;
        replicas[slot] = sharers;
      }
    }
  }
}

function least({ value, states }: Table, from: number): number {
  let found = Infinity;
  for (let at = from; at < from + states; at++) if (value[at]! < found) found = value[at]!;
  return found;
}

/** Follows the table back from the best state of the whole. */
function traced(graph: Hypergraph, lattice: Lattice, table: Table): { readonly deviceOf: Int32Array; readonly replicasOf: Int32Array } {
  const deviceOf = new Int32Array(graph.size).fill(-1);
  const replicasOf = new Int32Array(graph.typeOf.length);
  const members = membersOf(lattice);
  const free = graph.types.map((_type, t) => Array.from(graph.typeOf.keys()).filter((device) => graph.typeOf[device] === t));
  let ideal = lattice.count - 1;
  let used = 0;
  for (let u = 1; u < table.states; u++) {
    if (table.value[ideal * table.states + u]! < table.value[ideal * table.states + used]!) used = u;
  }
  while (ideal !== 0) {
    const slot = ideal * table.states + used;
    const sharers = table.replicas[slot]!;
    const device = free[table.type[slot]!]!.splice(0, sharers)[0]!;
    replicasOf[device] = sharers;
    const root = table.before[slot]!;
    const earlier = members(root);
    for (const v of members(ideal)) if (!earlier.has(v)) deviceOf[v] = device;
    used -= sharers * table.radix[table.type[slot]!]!;
    ideal = root;
  }
  return { deviceOf, replicasOf };
}

/** Members of an ideal, found by any path of steps that leads to it. */
function membersOf(lattice: Lattice): (ideal: number) => ReadonlySet<number> {
  const before = new Int32Array(lattice.count).fill(-1);
  const added = new Int32Array(lattice.count);
  for (let ideal = 0; ideal < lattice.count; ideal++) {
    for (let step = lattice.start[ideal]!; step < lattice.start[ideal + 1]!; step++) {
      before[lattice.next[step]!] = ideal;
      added[lattice.next[step]!] = lattice.vertex[step]!;
    }
  }
  return (ideal) => {
    const members = new Set<number>();
    for (let at = ideal; at !== 0; at = before[at]!) members.add(added[at]!);
    return members;
  };
}
