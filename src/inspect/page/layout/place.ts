import { layersOf } from "./layers.ts";
import { type Edge, neighboursOf, type Placed, type Sized } from "./node.ts";

/** Width over height that a folded drawing comes near to. */
const ASPECT = 1.5;

export interface Gaps {
  readonly across: number;
  readonly down: number;
  /** Between columns of a folded drawing. */
  readonly column: number;
  /** Layers from which a strip is folded; a short one is read more easily in one column. */
  readonly foldedFrom: number;
}

/**
 * Places boxes in layers from top to bottom. A drawing that would be a long strip is folded into columns, each read from top to bottom.
 *
 * Complexity: O((n + m) log n).
 */
export function place(boxes: readonly Sized[], edges: readonly Edge[], gaps: Gaps): Placed {
  const layers = layersOf(boxes.length, neighboursOf(boxes.length, edges));
  return folded(boxes, layers, acrossOf(boxes, layers, gaps), gaps);
}

/** Left edges: every layer about one middle, so that what follows one another stands in a line. */
function acrossOf(boxes: readonly Sized[], layers: readonly (readonly number[])[], { across }: Gaps): number[] {
  const x = new Array<number>(boxes.length).fill(0);
  for (const layer of layers) {
    const width = layer.reduce((sum, box) => sum + boxes[box]!.width + across, -across);
    let left = -width / 2;
    for (const box of layer) {
      x[box] = left;
      left += boxes[box]!.width + across;
    }
  }
  return x;
}

function folded(boxes: readonly Sized[], layers: readonly (readonly number[])[], x: number[], gaps: Gaps): Placed {
  const heights = layers.map((layer) => layer.reduce((most, box) => Math.max(most, boxes[box]!.height), 0));
  const strip = heights.reduce((sum, height) => sum + height + gaps.down, 0);
  const extents = layers.map((layer) => extentOf(boxes, layer, x));
  const mean = extents.reduce((sum, [left, right]) => sum + right - left, 0) / Math.max(1, layers.length) + gaps.column;
  const columns = layers.length < gaps.foldedFrom ? 1 : Math.max(1, Math.floor(Math.sqrt((ASPECT * strip) / mean)));
  const limit = strip / columns;
  const y = new Array<number>(boxes.length).fill(0);
  let first = 0;
  let offset = 0;
  let lowest = 0;
  while (first < layers.length) {
    let down = 0;
    let last = first;
    while (last < layers.length && (last === first || down + heights[last]! / 2 <= limit)) down += heights[last++]! + gaps.down;
    const column = extents.slice(first, last);
    const left = column.reduce((least, [start]) => Math.min(least, start), Number.MAX_SAFE_INTEGER);
    const right = column.reduce((most, [, end]) => Math.max(most, end), -Number.MAX_SAFE_INTEGER);
    let top = 0;
    for (let index = first; index < last; index++) {
      for (const box of layers[index]!) {
        x[box] = x[box]! - left + offset;
        y[box] = top;
      }
      top += heights[index]! + gaps.down;
    }
    lowest = Math.max(lowest, top - gaps.down);
    offset += right - left + gaps.column;
    first = last;
  }
  return { x, y, width: Math.max(0, offset - gaps.column), height: Math.max(0, lowest) };
}

function extentOf(boxes: readonly Sized[], layer: readonly number[], x: readonly number[]): readonly [number, number] {
  return layer.reduce<readonly [number, number]>(
    ([left, right], box) => [Math.min(left, x[box]!), Math.max(right, x[box]! + boxes[box]!.width)],
    [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER],
  );
}
