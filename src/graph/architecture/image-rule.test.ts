/**
 * Goal: images take the patches and tokens they take in the models' own preprocessors.
 * Method: sizes worked out by hand from `smart_resize`, and figures that were published of requests.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { imageTokensMax, imageWork } from "./image-rule.ts";
import { knownArchitecture } from "./known/known-architecture.ts";

const ruleOf = (name: string) => knownArchitecture(name)!.images!;

describe("images at their own size", () => {
  it.each([
    // 1932 x 1092: 69 x 39 tokens, 18 x 10 squares of 4 x 4 tokens.
    ["Qwen2.5-VL-7B", 1920, 1080, { tokens: 2691, patches: 10_764, squares: 180 }],
    ["Qwen3-VL-4B", 640, 640, { tokens: 400, patches: 1600, squares: 1 }],
    // 33.75 and 60 tokens a side.
    ["Qwen3-VL-235B-A22B", 1920, 1080, { tokens: 2040, patches: 8160, squares: 1 }],
    // Half a token more than 2 and than 3 a side: halves go to the even number.
    ["Qwen2.5-VL-7B", 70, 98, { tokens: 8, patches: 32, squares: 1 }],
    // Above the largest area: shrunk to 16,384 tokens at most.
    ["Qwen2.5-VL-7B", 8000, 4000, { tokens: 181 * 90, patches: 4 * 181 * 90, squares: 46 * 23 }],
    // Below the smallest: 32 x 32 grows to 256 x 256.
    ["Qwen3-VL-4B", 32, 32, { tokens: 64, patches: 256, squares: 1 }],
    ["Gemma-3-27B", 4000, 20, { tokens: 256, patches: 4096, squares: 1 }],
  ] as const)("%s at %d x %d", (name, width, height, work) => expect(imageWork(ruleOf(name), width, height)).toEqual(work));

  it("is never above the most tokens a model lets an image take", () => {
    const side = fc.integer({ min: 1, max: 20_000 });
    for (const name of ["Qwen2.5-VL-7B", "Qwen3-VL-8B", "Gemma-3-27B"])
      fc.assert(
        fc.property(side, side, (width, height) => {
          fc.pre(Math.max(width, height) / Math.min(width, height) < 100);
          const { tokens, patches } = imageWork(ruleOf(name), width, height);
          expect(tokens).toBeGreaterThan(0);
          expect(tokens).toBeLessThanOrEqual(imageTokensMax(ruleOf(name)));
          expect(patches).toBeGreaterThanOrEqual(4 * tokens);
        }),
        { numRuns: 50 },
      );
  });
});
