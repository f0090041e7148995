/**
 * Goal: images take the patches and tokens they take in the models' own preprocessors.
 * Method: sizes worked out by hand from `smart_resize`, and figures that were published of requests.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PUBLISHED } from "../../../test/support/published-models.ts";
import type { SequenceModel } from "./architecture.ts";
import { architectureOf } from "./config/read-architecture.ts";
import { imageTokensMax, imageWork } from "./image-rule.ts";
import { knownArchitecture } from "./known/known-architecture.ts";

const scout = architectureOf(PUBLISHED.find(({ name }) => name === "Llama-4-Scout")!.config) as SequenceModel;
const ruleOf = (name: string) => (name === "Llama-4-Scout" ? scout : knownArchitecture(name)!).images!;

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
    // Ratio 1.78: 2 x 1 and 4 x 2 tiles are as near, and the image fills more than half of 8 (1792 x 896); with one of the whole, 9.
    ["InternVL3-8B", 1920, 1080, { tokens: 9 * 256, patches: 9 * 1025, squares: 9 }],
    // 1.5 of 512 x 341: 3 x 2.
    ["InternVL3-8B", 512, 341, { tokens: 7 * 256, patches: 7 * 1025, squares: 7 }],
    // Square: 1 x 1, 2 x 2 and 3 x 3 are as near; 2 x 2 is half filled from 634 pixels a side on, 3 x 3 from 951.
    ["InternVL3-8B", 448, 448, { tokens: 256, patches: 1025, squares: 1 }],
    ["InternVL3-8B", 633, 633, { tokens: 256, patches: 1025, squares: 1 }],
    ["InternVL3-8B", 634, 634, { tokens: 5 * 256, patches: 5 * 1025, squares: 5 }],
    ["InternVL3-8B", 951, 951, { tokens: 10 * 256, patches: 10 * 1025, squares: 10 }],
    // As the preprocessor of Llama 4: 5 x 3 tiles shrink it least (0.875); one more pixel than a tile takes two, as enlarging little comes before shrinking.
    ["Llama-4-Scout", 1920, 1080, { tokens: 16 * 144, patches: 16 * 577, squares: 16 }],
    ["Llama-4-Scout", 336, 336, { tokens: 144, patches: 577, squares: 1 }],
    ["Llama-4-Scout", 337, 336, { tokens: 3 * 144, patches: 3 * 577, squares: 3 }],
    ["Llama-4-Scout", 300, 200, { tokens: 144, patches: 577, squares: 1 }],
    // 3 x 4 tiles (of 336) shrink 4000 x 3000 to 0.336, as 4 x 4 do, on fewer.
    ["Llama-4-Scout", 4000, 3000, { tokens: 13 * 144, patches: 13 * 577, squares: 13 }],
    // 12 in a row, and the whole.
    ["InternVL3-8B", 12_000, 100, { tokens: 13 * 256, patches: 13 * 1025, squares: 13 }],
  ] as const)("%s at %d x %d", (name, width, height, work) => expect(imageWork(ruleOf(name), width, height)).toEqual(work));

  it("is never above the most tokens a model lets an image take", () => {
    const side = fc.integer({ min: 1, max: 20_000 });
    for (const name of ["Qwen2.5-VL-7B", "Qwen3-VL-8B", "Gemma-3-27B", "InternVL3-8B", "Llama-4-Scout"])
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
