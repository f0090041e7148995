/**
 * Which replicas hold the first key of a prompt: lists by key. Routing looks at the caches of those alone.
 *
 * Complexity: adding O(1), taking out O(holders of that key), no allocation but growth by doubling.
 */
export interface HolderIndex {
  /** First node of a key's list; -1 where nobody holds it; -2 for keys that start no prompt. */
  readonly head: Int32Array;
  next: Int32Array;
  replica: Int32Array;
  spare: number;
  nodes: number;
}

const NODES_FIRST = 64;
const NOT_FIRST = -2;

/** `keyStart` and `keys` as in `RequestTable`; keys are dense. */
export function holderIndex(keyStart: Int32Array, keys: Int32Array, keyCount: number): HolderIndex {
  const head = new Int32Array(keyCount).fill(NOT_FIRST);
  for (let i = 0; i + 1 < keyStart.length; i++) if (keyStart[i]! < keyStart[i + 1]!) head[keys[keyStart[i]!]!] = -1;
  return { head, next: new Int32Array(NODES_FIRST), replica: new Int32Array(NODES_FIRST), spare: -1, nodes: 0 };
}

export function addHolder(index: HolderIndex, key: number, replica: number): void {
  const first = index.head[key]!;
  if (first === NOT_FIRST) return;
  let node = index.spare;
  if (node >= 0) index.spare = index.next[node]!;
  else {
    if (index.nodes === index.next.length) grow(index);
    node = index.nodes++;
  }
  index.replica[node] = replica;
  index.next[node] = first;
  index.head[key] = node;
}

export function removeHolder(index: HolderIndex, key: number, replica: number): void {
  let node = index.head[key]!;
  let before = -1;
  while (node >= 0 && index.replica[node] !== replica) {
    before = node;
    node = index.next[node]!;
  }
  if (node < 0) return;
  if (before < 0) index.head[key] = index.next[node]!;
  else index.next[before] = index.next[node]!;
  index.next[node] = index.spare;
  index.spare = node;
}

function grow(index: HolderIndex): void {
  const next = new Int32Array(index.next.length * 2);
  const replica = new Int32Array(next.length);
  next.set(index.next);
  replica.set(index.replica);
  index.next = next;
  index.replica = replica;
}
