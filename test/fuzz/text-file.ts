import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ErrorCode } from "../../src/base/error-codes.ts";
import { HeddleError } from "../../src/base/heddle-error.ts";
import { seededPrng } from "../../src/base/prng.ts";
import { mutateText } from "./mutate-text.ts";

/** A kind of file that is read from text and written as text. */
export interface TextFile<T> {
  readonly name: string;
  readonly good: T;
  readonly read: (text: string) => T;
  readonly write: (value: T) => string;
  /** What is wrong with a value; undefined where nothing is. */
  readonly check: (value: T) => unknown;
  /** The one code of what is no such file, and how its place is written. */
  readonly code: ErrorCode;
  readonly where: RegExp;
  /** Names that random trees have often. */
  readonly keys: readonly string[];
  readonly seed: number;
}

const DAMAGED = 2000;
const TREES = 600;

/** Whatever the text, it is a valid file that comes back as written, or the code with a place. */
export function fuzzTextFile<T>(file: TextFile<T>): void {
  const { good, read, write, check, code, where } = file;
  const isValid = (text: string, name: string): boolean => {
    try {
      const value = read(text);
      expect(check(value), name).toBeUndefined();
      expect(read(write(value)), name).toEqual(value);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof HeddleError)) throw thrown;
      expect(thrown.code, name).toBe(code);
      expect(thrown.where, name).toMatch(where);
      return false;
    }
  };

  describe(`${file.name}, fuzzed`, () => {
    it(`survives ${DAMAGED} damaged files`, () => {
      const text = write(good);
      let valid = 0;
      for (let seed = 0; seed < DAMAGED; seed++) if (isValid(mutateText(text, seededPrng(seed)), `seed ${seed}`)) valid += 1;
      // Both outcomes must occur, or the damage tests nothing.
      expect(valid).toBeGreaterThan(20);
      expect(valid).toBeLessThan(DAMAGED / 2);
    });

    it(`survives ${TREES} random trees`, () => {
      const key = fc.oneof(fc.constantFrom(...file.keys), fc.string());
      const { tree } = fc.letrec((tie) => ({
        tree: fc.oneof({ maxDepth: 5 }, fc.jsonValue(), fc.dictionary(key, tie("tree")), fc.array(tie("tree"))),
      }));
      fc.assert(
        fc.property(tree, (value) => isValid(JSON.stringify(value), JSON.stringify(value)) === false),
        { numRuns: TREES, seed: file.seed },
      );
    });
  });
}
