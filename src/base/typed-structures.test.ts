// Goal: the structures on typed arrays behave as plain ones. Method: random operations beside a Map, an array and a sorted list.
import { describe, expect, it } from "vitest";
import { emptyIntDeque, itemAt, peekFront, popFront, pushBack, pushFront } from "./int-deque.ts";
import { deleteKey, emptyIntTable, insertKey, lookUp } from "./int-table.ts";
import { seededPrng } from "./prng.ts";
import { clearWake, earliestWake, popWake, setWake, wakeHeap } from "./wake-heap.ts";

const ROUNDS = 4000;

describe("a table of integers", () => {
  it("knows what a Map knows, after deletions among keys that collide", () => {
    const prng = seededPrng(1);
    const table = emptyIntTable();
    const map = new Map<number, number>();
    for (let i = 0; i < ROUNDS; i++) {
      const key = prng.nextBelow(300) * (prng.nextBelow(2) === 0 ? 1 : 65_536);
      if (map.has(key) && prng.nextBelow(2) === 0) {
        map.delete(key);
        deleteKey(table, key);
      } else if (!map.has(key)) {
        map.set(key, i);
        insertKey(table, key, i);
      }
      expect(lookUp(table, key)).toBe(map.get(key) ?? -1);
    }
    expect(table.size).toBe(map.size);
    for (const [key, value] of map) expect(lookUp(table, key)).toBe(value);
    deleteKey(table, 123_456_789);
    expect(table.size).toBe(map.size);
  });
});

describe("a double-ended queue", () => {
  it("keeps order at both ends while it grows", () => {
    const prng = seededPrng(2);
    const deque = emptyIntDeque();
    const list: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const what = prng.nextBelow(5);
      if (what < 2) {
        pushBack(deque, i);
        list.push(i);
      } else if (what === 2) {
        pushFront(deque, i);
        list.unshift(i);
      } else expect(popFront(deque)).toBe(list.shift() ?? -1);
      expect(peekFront(deque)).toBe(list[0] ?? -1);
      if (list.length > 0) expect(itemAt(deque, list.length - 1)).toBe(list.at(-1));
    }
    expect(deque.size).toBe(list.length);
  });
});

describe("a heap of wakes", () => {
  it("gives the earliest, the lowest member of equal times, after changes of time", () => {
    const prng = seededPrng(3);
    const heap = wakeHeap(50);
    const times = new Map<number, number>();
    const first = (): [number, number] =>
      [...times].reduce((a, b) => (b[1] < a[1] || (b[1] === a[1] && b[0] < a[0]) ? b : a), [-1, Infinity]);
    for (let i = 0; i < ROUNDS; i++) {
      const member = prng.nextBelow(50);
      const what = prng.nextBelow(4);
      if (what < 2) {
        const time = prng.nextBelow(40);
        times.set(member, time);
        setWake(heap, member, time);
      } else if (what === 2) {
        times.delete(member);
        clearWake(heap, member);
      } else {
        const [expected] = first();
        times.delete(expected);
        expect(popWake(heap)).toBe(expected);
      }
      expect(earliestWake(heap)).toBe(first()[1]);
    }
  });
});
