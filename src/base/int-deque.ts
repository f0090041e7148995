/** A double-ended queue of integers in a ring. Complexity: O(1) at both ends, no allocation but growth by doubling. */
export interface IntDeque {
  items: Int32Array;
  head: number;
  size: number;
}

/** Must be a power of two: positions wrap by a mask. */
const CAPACITY_FIRST = 16;

export function emptyIntDeque(): IntDeque {
  return { items: new Int32Array(CAPACITY_FIRST), head: 0, size: 0 };
}

export function pushBack(deque: IntDeque, value: number): void {
  if (deque.size === deque.items.length) grow(deque);
  deque.items[(deque.head + deque.size) & (deque.items.length - 1)] = value;
  deque.size += 1;
}

export function pushFront(deque: IntDeque, value: number): void {
  if (deque.size === deque.items.length) grow(deque);
  deque.head = (deque.head - 1) & (deque.items.length - 1);
  deque.items[deque.head] = value;
  deque.size += 1;
}

/** The first one; -1 where there is none. */
export function peekFront(deque: IntDeque): number {
  return deque.size === 0 ? -1 : deque.items[deque.head]!;
}

/** The one at `position` from the front. */
export function itemAt(deque: IntDeque, position: number): number {
  return deque.items[(deque.head + position) & (deque.items.length - 1)]!;
}

/** Takes the first one out; -1 where there is none. */
export function popFront(deque: IntDeque): number {
  if (deque.size === 0) return -1;
  const value = deque.items[deque.head]!;
  deque.head = (deque.head + 1) & (deque.items.length - 1);
  deque.size -= 1;
  return value;
}

/** Takes `value` out, wherever it is; false where it is not there. Complexity: linear in what is behind it. */
export function takeOut(deque: IntDeque, value: number): boolean {
  const mask = deque.items.length - 1;
  let at = 0;
  while (at < deque.size && itemAt(deque, at) !== value) at += 1;
  if (at === deque.size) return false;
  for (; at + 1 < deque.size; at++) deque.items[(deque.head + at) & mask] = itemAt(deque, at + 1);
  deque.size -= 1;
  return true;
}

function grow(deque: IntDeque): void {
  const items = new Int32Array(deque.items.length * 2);
  for (let i = 0; i < deque.size; i++) items[i] = itemAt(deque, i);
  deque.items = items;
  deque.head = 0;
}
