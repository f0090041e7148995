// Goal: plain data survives as MessagePack, and no bytes make the decoder crash or take memory. Method: random values; hand-made and random bytes.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePlain, encodePlain, encodePlainRecord } from "./plain-data.ts";
import { isSoundMessagePack } from "./plain-data-check.ts";

const back = (value: unknown): unknown => {
  const decoded = decodePlain(encodePlain(value));
  expect(decoded.ok).toBe(true);
  return decoded.ok ? decoded.value : undefined;
};

describe("round trip", () => {
  test("maps, typed lists and absent items", () => {
    const value = {
      map: new Map<unknown, unknown>([
        [1, { a: [undefined, 2] }],
        ["k", new Map([[3, undefined]])],
      ]),
      int: Int32Array.of(-1, 2 ** 31 - 1),
      float: Float64Array.of(0.1, Infinity),
      bytes: Uint8Array.of(1, 2),
      big: Number.MAX_SAFE_INTEGER,
      list: [undefined, null, -0.5, "ü"],
    };
    expect(back(value)).toEqual(value);
  });

  test("any plain value", () => {
    const plain = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.integer(),
        fc.double({ noNaN: true }),
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value")),
        fc.dictionary(
          fc.string().filter((key) => key !== "__proto__"),
          tie("value"),
        ),
      ),
    })).value;
    fc.assert(
      fc.property(plain, (value) => {
        expect(isSoundMessagePack(encodePlainRecord(value))).toBe(true);
        expect(back(value)).toEqual(value);
      }),
      { numRuns: 300, seed: 4 },
    );
  });
});

describe("hostile bytes", () => {
  test.each([
    ["nothing", []],
    ["a list that claims 4 billion items", [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ["a record that claims 65,535 fields", [0xde, 0xff, 0xff, 0x01]],
    ["a text that runs over the end", [0xdb, 0x00, 0x00, 0x10, 0x00, 0x41]],
    ["two values", [0x01, 0x02]],
    ["an unused head", [0xc1]],
    ["a typed list that ends inside an element", [0xc7, 3, 2, 0, 0, 0]],
    ["a map with a key and no value", [0xc7, 2, 1, 0x91, 0x01]],
  ])("%s is refused", (_name, bytes) => {
    expect(decodePlain(Uint8Array.from(bytes)).ok).toBe(false);
  });

  test("nested claims are refused before anything is allocated", () => {
    const claims = Uint8Array.from({ length: 50_000 }, (_, i) => [0xdd, 0x00, 0x00, 0xc3, 0x50][i % 5]!);
    expect(isSoundMessagePack(claims)).toBe(false);
    expect(decodePlain(Uint8Array.from({ length: 5000 }, () => 0x91)).ok).toBe(false);
  });

  test("random bytes decode or are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof decodePlain(bytes).ok === "boolean"),
      { numRuns: 2000, seed: 5 },
    );
  });
});
