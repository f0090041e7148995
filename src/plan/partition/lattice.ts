import type { Prng } from "../../base/prng.ts";
import { inverted, type Lists } from "./csr.ts";

/**
 * Downward-closed sets of vertices (ideals: with a vertex, all it depends on) and the steps between them. Ideal 0 is empty, the last one is whole, and
 * a step goes to a higher number.
 */
export interface Lattice {
  readonly count: number;
  /** Steps of ideal i: `start[i]` to `start[i + 1] - 1`. */
  readonly start: Int32Array;
  /** Vertex that a step adds, and the ideal it leads to. */
  readonly vertex: Int32Array;
  readonly next: Int32Array;
}

/**
 * All ideals of an order, or `undefined` where there are more than `max`.
 *
 * Complexity: O(ideals x vertices).
 * Source: Tarnawski et al., NeurIPS 2020, section 5: contiguous pieces of a pipeline are differences of ideals.
 */
export function idealLattice(successors: Lists, max: number): Lattice | undefined {
  const size = successors.start.length - 1;
  const needs = reversed(successors);
  const ready = (ideal: Uint8Array, v: number): boolean => {
    for (let at = needs.start[v]!; at < needs.start[v + 1]!; at++) if (ideal[needs.items[at]!] === 0) return false;
    return true;
  };
  const ideals: Uint8Array[] = [new Uint8Array(size)];
  let layer = new Map<string, number>([["", 0]]);
  const start = [0];
  const vertex: number[] = [];
  const next: number[] = [];
  for (let i = 0; i < ideals.length; ) {
    // Ideals of one size are numbered in a row; only they can meet again.
    const found = new Map<string, number>();
    for (const end = i + layer.size; i < end; i++) {
      const ideal = ideals[i]!;
      for (let v = 0; v < size; v++) {
        if (ideal[v] === 1 || !ready(ideal, v)) continue;
        const grown = ideal.slice();
        grown[v] = 1;
        const key = keyOf(grown);
        let target = found.get(key);
        if (target === undefined) {
          if (ideals.length === max) return undefined;
          target = ideals.push(grown) - 1;
          found.set(key, target);
        }
        vertex.push(v);
        next.push(target);
      }
      start.push(vertex.length);
    }
    layer = found;
  }
  return { count: ideals.length, start: Int32Array.from(start), vertex: Int32Array.from(vertex), next: Int32Array.from(next) };
}

/** The prefixes of one order. */
export function chainLattice(order: readonly number[]): Lattice {
  const size = order.length;
  return {
    count: size + 1,
    start: Int32Array.from({ length: size + 2 }, (_zero, i) => Math.min(i, size)),
    vertex: Int32Array.from(order),
    next: Int32Array.from({ length: size }, (_zero, i) => i + 1),
  };
}

/** A topological order that mostly follows what was just taken, by chance among equals: such orders cut few edges. */
export function topologicalOrder(successors: Lists, prng: Prng, deep: number): number[] {
  const size = successors.start.length - 1;
  const waiting = new Int32Array(size);
  for (const target of successors.items) waiting[target] = waiting[target]! + 1;
  const ready: number[] = [];
  for (let v = 0; v < size; v++) if (waiting[v] === 0) ready.push(v);
  const order: number[] = [];
  while (ready.length > 0) {
    const at = prng.nextFloat() < deep ? ready.length - 1 : prng.nextBelow(ready.length);
    const vertex = ready.splice(at, 1)[0]!;
    order.push(vertex);
    for (let e = successors.start[vertex]!; e < successors.start[vertex + 1]!; e++) {
      const target = successors.items[e]!;
      waiting[target] = waiting[target]! - 1;
      if (waiting[target] === 0) ready.push(target);
    }
  }
  return order;
}

/** The same order the other way round. */
export function reversed(successors: Lists): Lists {
  return inverted(successors, successors.start.length - 1);
}

function keyOf(bits: Uint8Array): string {
  let key = "";
  for (let at = 0; at < bits.length; at += KEY_BITS) {
    let word = 0;
    for (let bit = at; bit < at + KEY_BITS && bit < bits.length; bit++) word = word * 2 + bits[bit]!;
    key += String.fromCharCode(word);
  }
  return key;
}

/** Bits in a character of a key. */
const KEY_BITS = 15;
