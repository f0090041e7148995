import type { Point } from "./picture.ts";

/** Connected areas of a map that lie above the threshold, diagonal neighbours included: the first and last pixel of each of their rows. */
export function componentsOf(
  map: ArrayLike<number>,
  { width, height, threshold }: { readonly width: number; readonly height: number; readonly threshold: number },
): Point[][] {
  const seen = new Uint8Array(width * height);
  const found: Point[][] = [];
  for (let start = 0; start < seen.length; start++) {
    if (seen[start] === 1 || map[start]! <= threshold) continue;
    const ends = new Map<number, { first: number; last: number }>();
    const stack = [start];
    seen[start] = 1;
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const x = next % width;
      const y = (next - x) / width;
      const row = ends.get(y);
      ends.set(y, { first: Math.min(row?.first ?? x, x), last: Math.max(row?.last ?? x, x) });
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const near = ny * width + nx;
          if (seen[near] === 1 || map[near]! <= threshold) continue;
          seen[near] = 1;
          stack.push(near);
        }
      }
    }
    found.push(
      [...ends].flatMap(([y, { first, last }]) =>
        first === last
          ? [{ x: first, y }]
          : [
              { x: first, y },
              { x: last, y },
            ],
      ),
    );
  }
  return found;
}
