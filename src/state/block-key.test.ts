// Goal: a key names exactly one content. Method: every part of it is varied, alone, and a chain built block by block equals the whole.
import { describe, expect, it } from "vitest";
import { type KeyScope, promptKeys, rootKey, runKeys } from "./block-key.ts";

const SCOPE = { model: "abc", salt: "" };
const blockKeys = (list: ArrayLike<number>, scope: KeyScope, numerics: string) => promptKeys(list, scope, numerics).keys;
const tokens = (length: number, change = -1): number[] => Array.from({ length }, (_, i) => (i === change ? 9_999 : i * 7));

describe("block keys", () => {
  it("cover whole blocks only, 16 bytes in hex each", () => {
    expect(promptKeys(tokens(63), SCOPE, "f32").keys).toEqual([]);
    const keys = blockKeys(tokens(200), SCOPE, "f32");
    expect(keys).toHaveLength(3);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/);
  });

  it("chain: a block's key depends on all tokens before it and on none after", () => {
    const keys = blockKeys(tokens(192), SCOPE, "f32");
    expect(blockKeys(tokens(192, 70), SCOPE, "f32")[0]).toBe(keys[0]);
    expect(blockKeys(tokens(192, 70), SCOPE, "f32").slice(1)).not.toContain(keys[1]);
    expect(blockKeys(tokens(192, 3), SCOPE, "f32").filter((key, i) => key === keys[i])).toEqual([]);
  });

  it("differ by model, salt and numerics", () => {
    const variants = [
      blockKeys(tokens(64), SCOPE, "f32"),
      blockKeys(tokens(64), { ...SCOPE, model: "abd" }, "f32"),
      blockKeys(tokens(64), { ...SCOPE, salt: "tenant" }, "f32"),
      blockKeys(tokens(64), SCOPE, "int8-row"),
      blockKeys(tokens(64), { model: "ab", salt: "c" }, "f32"),
    ];
    expect(new Set(variants.flat()).size).toBe(variants.length);
  });

  it("can be computed block by block as tokens come", () => {
    const list = Int32Array.from(tokens(256));
    let parent = rootKey(SCOPE);
    const grown: string[] = [];
    for (let from = 0; from < 256; from += 64) {
      parent = runKeys(parent, list, { from, count: 64, numerics: "f32" }).at(-1)!;
      grown.push(parent);
    }
    expect(grown).toEqual(blockKeys(list, SCOPE, "f32"));
  });

  it("stay what they were: other runs and other versions look for them", () => {
    expect(blockKeys(tokens(64), SCOPE, "f32")).toMatchInlineSnapshot(`
      [
        "3e6cd9eaba724c99f0fbeeb817c837dd",
      ]
    `);
  });

  it("of parts say how far two blocks agree, by eights, and are none of a block's", () => {
    const [one, two] = [promptKeys(tokens(150), SCOPE, "f32"), promptKeys(tokens(150, 90), SCOPE, "f32")];
    expect(one.parts).toHaveLength(7 + 7 + 2);
    expect(two.parts.map((key, i) => key === one.parts[i])).toEqual([...new Array(10).fill(true), ...new Array(6).fill(false)]);
    expect(new Set([...one.keys, ...one.parts]).size).toBe(18);
    const shorter = promptKeys(tokens(127), SCOPE, "f32");
    expect(shorter.parts).toEqual(one.parts.slice(0, 14));
    expect(runKeys(one.keys[0]!, tokens(128), { from: 64, count: 47, numerics: "f32" })).toEqual(one.parts.slice(7, 12));
  });
});
