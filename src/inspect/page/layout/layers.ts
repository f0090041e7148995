import type { Neighbours } from "./node.ts";

/** Passes over all layers, down and up, that put neighbours near one another. */
const PASSES = 4;

/**
 * Boxes in layers: one below all it depends on, ordered within a layer by where its neighbours stand.
 *
 * Complexity: O((n + m) log n) for n boxes and m edges.
 * Source: layers by longest path and barycentres, as in Sugiyama, Tagawa, Toda: Methods for visual understanding of hierarchical system structures,
 * IEEE Trans. SMC 11(2), 1981.
 */
export function layersOf(count: number, neighbours: Neighbours): readonly (readonly number[])[] {
  const depth = new Array<number>(count).fill(0);
  const layers: number[][] = [];
  for (let box = 0; box < count; box++) {
    for (const earlier of neighbours.before[box]!) depth[box] = Math.max(depth[box]!, depth[earlier]! + 1);
  }
  lowerSources(depth, neighbours);
  for (let box = 0; box < count; box++) {
    const layer = depth[box]!;
    while (layers.length <= layer) layers.push([]);
    layers[layer]!.push(box);
  }
  order(
    layers.filter((layer) => layer.length > 0),
    count,
    neighbours,
  );
  return layers.filter((layer) => layer.length > 0);
}

/** What depends on nothing stands just above its first reader, not at the top. */
function lowerSources(depth: number[], { before, after }: Neighbours): void {
  for (const [box, readers] of after.entries()) {
    if (before[box]!.length > 0 || readers.length === 0) continue;
    depth[box] = readers.reduce((least, reader) => Math.min(least, depth[reader]!), Number.MAX_SAFE_INTEGER) - 1;
  }
}

function order(layers: readonly number[][], count: number, { before, after }: Neighbours): void {
  const place = new Array<number>(count).fill(0);
  const note = (layer: readonly number[]): void => {
    for (const [index, box] of layer.entries()) place[box] = index - layer.length / 2;
  };
  layers.forEach(note);
  for (let pass = 0; pass < PASSES; pass++) {
    const down = pass % 2 === 0;
    const near = down ? before : after;
    for (const layer of down ? layers : [...layers].reverse()) {
      if (layer.length === 1) continue;
      const wish = new Map(layer.map((box) => [box, meanPlace(near[box]!, place) ?? place[box]!]));
      layer.sort((a, b) => wish.get(a)! - wish.get(b)! || a - b);
      note(layer);
    }
  }
}

function meanPlace(boxes: readonly number[], place: readonly number[]): number | undefined {
  if (boxes.length === 0) return undefined;
  return boxes.reduce((sum, box) => sum + place[box]!, 0) / boxes.length;
}
