/** Lists of integers in two arrays: list i is `items[start[i]]` to `items[start[i + 1] - 1]`. */
export interface Lists {
  readonly start: Int32Array;
  readonly items: Int32Array;
}

/** Lists as one array of items and where each begins. Shapes: `start` lists + 1, `items` all of them. */
export function listsOf(lists: readonly Iterable<number>[]): Lists {
  const start = new Int32Array(lists.length + 1);
  const items: number[] = [];
  lists.forEach((list, i) => {
    for (const item of list) items.push(item);
    start[i + 1] = items.length;
  });
  return { start, items: Int32Array.from(items) };
}

/** For each of `count` items, the lists that hold it. */
export function inverted(lists: Lists, count: number): Lists {
  const holders: number[][] = Array.from({ length: count }, () => []);
  for (let list = 0; list + 1 < lists.start.length; list++) {
    for (let at = lists.start[list]!; at < lists.start[list + 1]!; at++) holders[lists.items[at]!]!.push(list);
  }
  return listsOf(holders);
}
