import { mix32 } from "../../../base/prng.ts";

/**
 * Dense names of prefixes: the name of (prefix, next piece) is new exactly where that pair is. Two prompts agree up to a piece where the names of
 * that piece are equal.
 *
 * Complexity: an open hash table in typed arrays, 12 bytes a slot, below 2/3 full.
 */
export interface PrefixNames {
  /** Name of the prefix `parent` (`NO_PREFIX` at the start) continued by `piece`, a whole number below 2^32. */
  name(parent: number, piece: number): number;
  readonly count: number;
}

export const NO_PREFIX = -1;

/** Numbers for prefixes: a prefix is the one before it and a piece, and the same two give the same number. */
export function createPrefixNames(): PrefixNames {
  let room = 4096;
  let parents = new Int32Array(room);
  let pieces = new Uint32Array(room);
  let names = new Int32Array(room).fill(-1);
  let count = 0;
  const slotOf = (parent: number, piece: number): number => {
    let slot = mix32(Math.imul(parent + 1, 0x9e3779b1) ^ mix32(piece)) & (room - 1);
    while (names[slot] !== -1 && (parents[slot] !== parent || pieces[slot] !== piece >>> 0)) slot = (slot + 1) & (room - 1);
    return slot;
  };
  const grow = (): void => {
    const [oldParents, oldPieces, oldNames] = [parents, pieces, names];
    room *= 2;
    parents = new Int32Array(room);
    pieces = new Uint32Array(room);
    names = new Int32Array(room).fill(-1);
    for (let i = 0; i < oldNames.length; i++) {
      if (oldNames[i] === -1) continue;
      const slot = slotOf(oldParents[i]!, oldPieces[i]!);
      parents[slot] = oldParents[i]!;
      pieces[slot] = oldPieces[i]!;
      names[slot] = oldNames[i]!;
    }
  };
  return {
    get count() {
      return count;
    },
    name: (parent, piece) => {
      const slot = slotOf(parent, piece);
      if (names[slot] !== -1) return names[slot]!;
      parents[slot] = parent;
      pieces[slot] = piece;
      names[slot] = count;
      if (3 * ++count > 2 * room) grow();
      return count - 1;
    },
  };
}
