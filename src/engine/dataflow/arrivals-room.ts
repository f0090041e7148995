/**
 * What arrivals are worked out in, once an engine.
 *
 * Why: a byte array of more than 64 lies outside the heap, and decisions on racks of 64 devices made one an input.
 */
export interface ArrivalsRoom {
  /** By memory; NaN: not worked out. */
  readonly known: Float64Array;
  readonly moved: Float64Array;
  /** By input, then memory: where it is. */
  readonly there: Uint8Array[];
}

export function createArrivalsRoom(memories: number): ArrivalsRoom {
  return { known: new Float64Array(memories), moved: new Float64Array(memories), there: [] };
}
