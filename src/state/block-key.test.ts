// Goal: a key names exactly one content. Method: every part of it is varied, alone, and a chain built block by block equals the whole.
import { describe, expect, it } from "vitest";
import { blockKey, blockKeys, rootKey } from "./block-key.ts";

const SCOPE = { model: "abc", salt: "" };
const tokens = (length: number, change = -1): number[] => Array.from({ length }, (_, i) => (i === change ? 9_999 : i * 7));

describe("block keys", () => {
  it("cover whole blocks only, 16 bytes in hex each", () => {
    expect(blockKeys(tokens(63), SCOPE, "f32")).toEqual([]);
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
      parent = blockKey(parent, list, { from, numerics: "f32" });
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
});
