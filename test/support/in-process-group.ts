/** Members of a gang in one process: what one sends waits in a queue for the other. */
import type { CollectiveGroup } from "../../src/execute/device/collective.ts";

export function inProcessGroups(size: number): CollectiveGroup[] {
  const queues = new Map<string, Uint8Array[]>();
  const waiting = new Map<string, ((bytes: Uint8Array) => void)[]>();
  const listOf = <T>(map: Map<string, T[]>, key: string): T[] => {
    const list = map.get(key) ?? [];
    map.set(key, list);
    return list;
  };
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    send: (target, bytes) => {
      const key = `${rank} ${target}`;
      const taker = listOf(waiting, key).shift();
      if (taker === undefined) listOf(queues, key).push(bytes);
      else taker(bytes);
    },
    receive: (source) => {
      const key = `${source} ${rank}`;
      const there = listOf(queues, key).shift();
      if (there !== undefined) return Promise.resolve(there);
      return new Promise((resolve) => listOf(waiting, key).push(resolve));
    },
  }));
}
