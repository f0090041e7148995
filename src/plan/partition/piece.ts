import type { Hypergraph } from "./hypergraph.ts";

/** One device's share while it grows and shrinks by single vertices, last in, first out. */
export interface Piece {
  readonly graph: Hypergraph;
  readonly pinsIn: Int32Array;
  /** Time on each type without transfers; then the cost of nets with pins on both sides; then bytes held. */
  readonly sums: Float64Array;
  /** The sums before each vertex that was added: subtraction would gather rounding. */
  readonly saved: Float64Array;
  depth: number;
}

/** A piece without vertices. */
export function emptyPiece(graph: Hypergraph): Piece {
  const width = graph.types.length + 2;
  return {
    graph,
    pinsIn: new Int32Array(graph.netCost.length),
    sums: new Float64Array(width),
    saved: new Float64Array(width * graph.size),
    depth: 0,
  };
}

/** Load of the piece on a device type; Infinity where it is not supported or not held. */
export function pieceLoad({ graph, sums }: Piece, type: number): number {
  const { transferFactor, memoryBytes } = graph.types[type]!;
  return sums[graph.types.length + 1]! > memoryBytes ? Infinity : sums[type]! + transferFactor * sums[graph.types.length]!;
}

/** Adds a vertex; `shrink` takes back the last one added. Complexity: O(nets of the vertex + device types). */
export function grow(piece: Piece, vertex: number): void {
  const { graph, pinsIn, sums, saved } = piece;
  const kinds = graph.types.length;
  saved.set(sums, piece.depth++ * sums.length);
  for (let t = 0; t < kinds; t++) sums[t] = sums[t]! + graph.times[vertex * kinds + t]!;
  let cut = sums[kinds]!;
  for (let at = graph.nets.start[vertex]!; at < graph.nets.start[vertex + 1]!; at++) {
    const net = graph.nets.items[at]!;
    const inside = pinsIn[net]! + 1;
    pinsIn[net] = inside;
    if (inside === 1) cut += graph.netCost[net]!;
    else if (inside === graph.pins.start[net + 1]! - graph.pins.start[net]!) cut -= graph.netCost[net]!;
  }
  sums[kinds] = cut;
  sums[kinds + 1] = sums[kinds + 1]! + graph.bytes[vertex]!;
}

/** Takes the vertex out that was added last. */
export function shrink(piece: Piece, vertex: number): void {
  const { graph, pinsIn, sums, saved } = piece;
  piece.depth--;
  for (let i = 0; i < sums.length; i++) sums[i] = saved[piece.depth * sums.length + i]!;
  for (let at = graph.nets.start[vertex]!; at < graph.nets.start[vertex + 1]!; at++) {
    const net = graph.nets.items[at]!;
    pinsIn[net] = pinsIn[net]! - 1;
  }
}
