/**
 * Which replicas hold which key whole: a list by key. Routing reads off it how much of a prompt each replica has, without asking the replicas.
 *
 * Complexity: adding and taking out O(1), no allocation but growth by doubling.
 */
export interface HolderIndex {
  /** First node of a key's list; -1 where nobody holds it. */
  readonly head: Int32Array;
  next: Int32Array;
  previous: Int32Array;
  replica: Int32Array;
  spare: number;
  nodes: number;
}

const NODES_FIRST = 64;

/** Keys are 0 to `keyCount` - 1. */
export function holderIndex(keyCount: number): HolderIndex {
  const column = (): Int32Array => new Int32Array(NODES_FIRST);
  return { head: new Int32Array(keyCount).fill(-1), next: column(), previous: column(), replica: column(), spare: -1, nodes: 0 };
}

/** Returns the node, for `removeHolder`. */
export function addHolder(index: HolderIndex, key: number, replica: number): number {
  let node = index.spare;
  if (node >= 0) index.spare = index.next[node]!;
  else {
    if (index.nodes === index.next.length) grow(index);
    node = index.nodes++;
  }
  const first = index.head[key]!;
  index.replica[node] = replica;
  index.next[node] = first;
  index.previous[node] = -1;
  if (first >= 0) index.previous[first] = node;
  index.head[key] = node;
  return node;
}

export function removeHolder(index: HolderIndex, key: number, node: number): void {
  const before = index.previous[node]!;
  const after = index.next[node]!;
  if (before >= 0) index.next[before] = after;
  else index.head[key] = after;
  if (after >= 0) index.previous[after] = before;
  index.next[node] = index.spare;
  index.spare = node;
}

function grow(index: HolderIndex): void {
  const longer = (old: Int32Array): Int32Array => {
    const column = new Int32Array(old.length * 2);
    column.set(old);
    return column;
  };
  index.next = longer(index.next);
  index.previous = longer(index.previous);
  index.replica = longer(index.replica);
}
