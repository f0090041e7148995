import type { Int4Matrix } from "./pack-int4.ts";
import type { EightBitMatrix, Int8Matrix } from "./pack-int8.ts";

/** Weights as products read them, by the name of their matrix: graphs of one stage share what they have in one format. */
export interface PackedWeights {
  readonly floats: Map<string, Float32Array>;
  readonly int4: Map<string, Int4Matrix>;
  readonly int8: Map<string, Int8Matrix>;
  readonly eightBit: Map<string, EightBitMatrix>;
}

export function createPackedWeights(): PackedWeights {
  return { floats: new Map(), int4: new Map(), int8: new Map(), eightBit: new Map() };
}

/** Packing rotates and rounds every weight, which takes most of a stage's loading time: it is done once. */
export function packedOnce<T>(kept: Map<string, T>, name: string, pack: () => T): T {
  const known = kept.get(name) ?? pack();
  kept.set(name, known);
  return known;
}
