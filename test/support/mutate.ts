/** Seeded damage to files: what a broken download, a bad disk or an enemy does to them. */
import { assert } from "../../src/base/assert.ts";
import type { ByteSource } from "../../src/base/bytes.ts";
import { HeddleError } from "../../src/base/heddle-error.ts";
import type { Prng } from "../../src/base/prng.ts";

/** A damaged copy. Most damage falls into the first `headerBytes`, where structure is. */
export function mutate(prng: Prng, original: Uint8Array, headerBytes: number): Uint8Array {
  const copy = original.slice();
  const at = (): number => prng.nextBelow(prng.nextBelow(8) === 0 ? copy.length : headerBytes);
  switch (prng.nextBelow(6)) {
    case 0:
      return copy.subarray(0, at());
    case 1: {
      for (let flips = 1 + prng.nextBelow(8); flips > 0; flips--) copy[at()]! ^= 1 << prng.nextBelow(8);
      return copy;
    }
    case 2: {
      const from = at();
      return copy.fill(prng.nextBelow(2) * 255, from, from + 1 + prng.nextBelow(9));
    }
    case 3: {
      for (let changes = 1 + prng.nextBelow(4); changes > 0; changes--) copy[at()] = prng.nextBelow(256);
      return copy;
    }
    case 4: {
      const [from, to, length] = [at(), at(), 1 + prng.nextBelow(64)];
      copy.copyWithin(to, from, Math.min(from + length, copy.length));
      return copy;
    }
    default: {
      const [from, length] = [at(), 1 + prng.nextBelow(32)];
      const cut = new Uint8Array(copy.length - Math.min(length, copy.length - from));
      cut.set(copy.subarray(0, from));
      cut.set(copy.subarray(from + length), from);
      return cut;
    }
  }
}

/** Bytes that fail the test when a reader asks outside them, or for more in all than `budget`. */
export function guardedBytes(data: Uint8Array, budget: number): ByteSource {
  let left = budget;
  return {
    byteLength: data.length,
    read: (offset, length) => {
      assert(offset >= 0 && length >= 0 && offset + length <= data.length, "a reader stays inside its file", { offset, length });
      left -= length;
      assert(left >= 0, "a reader reads no more than its budget", { budget });
      return data.slice(offset, offset + length);
    },
  };
}

/** Runs `use` and returns `valid`, or the code of the error; any other exception, and any code not allowed, goes on. */
export function outcomeOf(use: () => void, allowed: readonly string[]): string {
  try {
    use();
    return "valid";
  } catch (error) {
    if (error instanceof HeddleError && allowed.includes(error.code)) return error.code;
    throw error;
  }
}

export function countBy(outcomes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}
