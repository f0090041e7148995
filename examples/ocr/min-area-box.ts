import type { Point } from "./picture.ts";

/** A rectangle at any angle. `along` and `across` are unit vectors of its width and its height; it reads along, and across points down the line. */
export interface RotatedBox {
  readonly center: Point;
  readonly width: number;
  readonly height: number;
  readonly along: Point;
  readonly across: Point;
}

/** The smallest rectangle around points. One of its sides lies on a side of the convex hull (Freeman and Shapira 1975), so those are tried. */
export function minAreaBox(points: readonly Point[]): RotatedBox {
  const hull = convexHull(points);
  let best: RotatedBox | undefined;
  for (let at = 0; at < hull.length; at++) {
    const from = hull[at]!;
    const to = hull[(at + 1) % hull.length]!;
    const length = Math.hypot(to.x - from.x, to.y - from.y);
    const box = boxAlong(hull, length === 0 ? { x: 1, y: 0 } : { x: (to.x - from.x) / length, y: (to.y - from.y) / length });
    if (best === undefined || box.width * box.height < best.width * best.height) best = box;
  }
  return readable(best!);
}

/** Wider and higher by `ratio` x area / perimeter on every side. */
export function grown(box: RotatedBox, ratio: number): RotatedBox {
  const by = (box.width * box.height * ratio) / (2 * (box.width + box.height));
  return { ...box, width: box.width + 2 * by, height: box.height + 2 * by };
}

/** The rectangle around points that has a side in a direction; a pixel is as wide as 1. */
function boxAlong(points: readonly Point[], along: Point): RotatedBox {
  const across = { x: -along.y, y: along.x };
  const us = points.map(({ x, y }) => x * along.x + y * along.y);
  const vs = points.map(({ x, y }) => x * across.x + y * across.y);
  const [u0, u1, v0, v1] = [Math.min(...us), Math.max(...us), Math.min(...vs), Math.max(...vs)];
  const u = (u0 + u1) / 2;
  const v = (v0 + v1) / 2;
  const center = { x: u * along.x + v * across.x, y: u * along.y + v * across.y };
  return { center, width: u1 - u0 + 1, height: v1 - v0 + 1, along, across };
}

/** The same rectangle, so turned that its text most likely reads along it: the longer side, left to right or top to bottom. */
function readable(box: RotatedBox): RotatedBox {
  const { along, across, width, height } = box;
  const isUpright = Math.abs(along.x) >= Math.abs(along.y);
  const flat = isUpright ? { ...box } : { ...box, along: across, across: along, width: height, height: width };
  // Lines of text are wider than high; what is clearly higher than wide reads upwards or downwards.
  const turned =
    flat.height >= 1.5 * flat.width ? { ...flat, along: flat.across, across: flat.along, width: flat.height, height: flat.width } : flat;
  const isVertical = turned !== flat;
  const forward = isVertical ? turned.along.y > 0 : turned.along.x > 0;
  const reading = forward ? turned.along : { x: -turned.along.x, y: -turned.along.y };
  return { ...turned, along: reading, across: { x: -reading.y, y: reading.x } };
}

/** Corners of the smallest convex polygon around points, by Andrew's monotone chain. */
function convexHull(points: readonly Point[]): Point[] {
  const sorted = points.toSorted((a, b) => a.x - b.x || a.y - b.y);
  const turn = (a: Point, b: Point, c: Point): number => (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
  const chain = (list: readonly Point[]): Point[] => {
    const kept: Point[] = [];
    for (const point of list) {
      while (kept.length > 1 && turn(kept.at(-2)!, kept.at(-1)!, point) <= 0) kept.pop();
      kept.push(point);
    }
    return kept.slice(0, -1);
  };
  return sorted.length < 2 ? sorted : [...chain(sorted), ...chain(sorted.toReversed())];
}
