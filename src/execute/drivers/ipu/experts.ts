import { HeddleError } from "../../../base/heddle-error.ts";

/**
 * The order in which rows go to experts: by expert, then by token. `order[i]` is the place in `chosen` that row i comes from.
 *
 * Errors: `input-invalid` for an expert that is not there.
 */
export function dispatchOrder(chosen: Int32Array, experts: number): { readonly order: Int32Array; readonly counts: Int32Array } {
  const counts = new Int32Array(experts);
  for (let i = 0; i < chosen.length; i++) {
    const expert = chosen[i]!;
    if (expert < 0 || expert >= experts) {
      throw new HeddleError("input-invalid", { where: `choice ${i}`, detail: `expert ${expert} of ${experts}` });
    }
    counts[expert]!++;
  }
  const next = new Int32Array(experts);
  for (let expert = 1; expert < experts; expert++) next[expert] = next[expert - 1]! + counts[expert - 1]!;
  const order = new Int32Array(chosen.length);
  for (let i = 0; i < chosen.length; i++) order[next[chosen[i]!]!++] = i;
  return { order, counts };
}

export interface Combination {
  readonly rows: Float32Array;
  /** As `dispatchOrder` gave it. */
  readonly order: Int32Array;
  /** For each place in `chosen`. */
  readonly weights: Float32Array;
  /** Choices a token. */
  readonly choices: number;
  /** Values a row. */
  readonly width: number;
}

/**
 * Weighted sum of each token's rows, in the order of its choices whatever the order of rows, rounded to f32 after each.
 *
 * Errors: `input-invalid` where `order` is no order of all places.
 */
export function combineRows({ rows, order, weights, choices, width }: Combination): Float32Array {
  const rowOf = new Int32Array(order.length).fill(-1);
  for (let row = 0; row < order.length; row++) {
    const place = order[row]!;
    if (place < 0 || place >= order.length || rowOf[place] !== -1) {
      throw new HeddleError("input-invalid", {
        where: `order ${row}`,
        detail: `place ${place} of ${order.length} is not there or comes twice`,
      });
    }
    rowOf[place] = row;
  }
  const sums = new Float32Array(choices === 0 ? 0 : (order.length / choices) * width);
  for (let place = 0; place < order.length; place++) {
    const weight = weights[place]!;
    const from = rowOf[place]! * width;
    const to = Math.floor(place / choices) * width;
    for (let i = 0; i < width; i++) sums[to + i] = sums[to + i]! + weight * rows[from + i]!;
  }
  return sums;
}
