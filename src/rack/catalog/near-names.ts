/** Names most like `wanted`, nearest first, ties by name: what an error about an unknown name offers. */
export function nearNames(wanted: string, names: readonly string[], count = 3): readonly string[] {
  const target = wanted.toLowerCase();
  return names
    .map((name) => ({ name, edits: editDistance(target, name.toLowerCase()) - sharedStart(target, name.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits || (a.name < b.name ? -1 : 1))
    .slice(0, count)
    .map(({ name }) => name);
}

/** Longest name compared; longer ones are cut, because the table of distances grows with their product. */
const LENGTH_MAX = 64;

/** Fewest insertions, deletions and replacements that turn one name into the other (Levenshtein). */
export function editDistance(a: string, b: string): number {
  const left = a.slice(0, LENGTH_MAX);
  const right = b.slice(0, LENGTH_MAX);
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replace = row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replace, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[right.length]!;
}

/** Characters both begin with: `h1000` is nearer to `h100-sxm` than to `t4`. */
function sharedStart(a: string, b: string): number {
  let count = 0;
  while (count < a.length && a[count] === b[count]) count += 1;
  return count;
}
