import { emptyIntTable, insertKey, lookUp } from "../../base/int-table.ts";
import type { ImageColumns } from "../serving/serving-input.ts";

/** Width, height, and a number that equal images have in common. Units: pixels. */
export type ImageTuple = readonly [number, number, number];

/** Images by request, as a fleet file has them. */
export function imageLists({ start, width, height, content }: ImageColumns, count: number): ImageTuple[][] {
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: start[i + 1]! - start[i]! }, (_unused, k): ImageTuple => {
      const at = start[i]! + k;
      return [width[at]!, height[at]!, content[at]!];
    }),
  );
}

/** The columns of such lists, numbers made dense. */
export function imagesOfLists(lists: readonly (readonly ImageTuple[])[]): ImageColumns {
  const start = new Int32Array(lists.length + 1);
  for (const [i, list] of lists.entries()) start[i + 1] = start[i]! + list.length;
  const all = lists.flat();
  const dense = emptyIntTable();
  const content = Int32Array.from(all, ([, , number]) => {
    const known = lookUp(dense, number);
    if (known >= 0) return known;
    insertKey(dense, number, dense.size);
    return dense.size - 1;
  });
  return { start, width: Int32Array.from(all, ([width]) => width), height: Int32Array.from(all, ([, height]) => height), content };
}
