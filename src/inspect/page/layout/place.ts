import { layersOf } from "./layers.ts";
import { type Edge, type Neighbours, neighboursOf, type Placed, type Sized } from "./node.ts";

/** Width over height that a folded drawing comes near to. */
const ASPECT = 1.5;
/** Passes that draw boxes towards their neighbours. */
const PASSES = 2;

export interface Gaps {
  readonly across: number;
  readonly down: number;
  /** Between columns of a folded drawing. */
  readonly column: number;
}

/**
 * Places boxes in layers from top to bottom. A drawing that would be a long strip is folded into columns, each read from top to bottom.
 *
 * Complexity: O((n + m) log n).
 */
export function place(boxes: readonly Sized[], edges: readonly Edge[], gaps: Gaps): Placed {
  const neighbours = neighboursOf(boxes.length, edges);
  const layers = layersOf(boxes.length, neighbours);
  const x = acrossOf(boxes, layers, neighbours, gaps);
  return folded(boxes, layers, x, gaps);
}

/** Left edges: towards the mean of the neighbours' middles, kept apart in the order of the layer. */
function acrossOf(boxes: readonly Sized[], layers: readonly (readonly number[])[], neighbours: Neighbours, gaps: Gaps): number[] {
  const x = new Array<number>(boxes.length).fill(0);
  for (const layer of layers)
    spread(
      boxes,
      layer,
      x,
      layer.map(() => 0),
      gaps,
    );
  for (let pass = 0; pass < PASSES; pass++) {
    const near = pass % 2 === 0 ? neighbours.before : neighbours.after;
    for (const layer of pass % 2 === 0 ? layers : [...layers].reverse()) {
      const wishes = layer.map((box) => meanMiddle(boxes, near[box]!, x) ?? x[box]! + boxes[box]!.width / 2);
      spread(boxes, layer, x, wishes, gaps);
    }
  }
  return x;
}

function meanMiddle(boxes: readonly Sized[], near: readonly number[], x: readonly number[]): number | undefined {
  if (near.length === 0) return undefined;
  return near.reduce((sum, box) => sum + x[box]! + boxes[box]!.width / 2, 0) / near.length;
}

/** From left to right no closer than the gap; then the whole layer back by what it was pushed in the mean. */
function spread(boxes: readonly Sized[], layer: readonly number[], x: number[], wishes: readonly number[], { across }: Gaps): void {
  let least = Number.NEGATIVE_INFINITY;
  let pushed = 0;
  for (const [index, box] of layer.entries()) {
    const wish = wishes[index]! - boxes[box]!.width / 2;
    x[box] = Math.max(wish, least);
    pushed += x[box]! - wish;
    least = x[box]! + boxes[box]!.width + across;
  }
  for (const box of layer) x[box] = x[box]! - pushed / layer.length;
}

function folded(boxes: readonly Sized[], layers: readonly (readonly number[])[], x: number[], gaps: Gaps): Placed {
  const heights = layers.map((layer) => layer.reduce((most, box) => Math.max(most, boxes[box]!.height), 0));
  const strip = heights.reduce((sum, height) => sum + height + gaps.down, 0);
  const extents = layers.map((layer) => extentOf(boxes, layer, x));
  const mean = extents.reduce((sum, [left, right]) => sum + right - left, 0) / Math.max(1, layers.length) + gaps.column;
  const columns = Math.max(1, Math.floor(Math.sqrt((ASPECT * strip) / mean)));
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
