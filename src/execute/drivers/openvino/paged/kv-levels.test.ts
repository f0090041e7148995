// Goal: keys and values survive the way into 8 bits and back, in the model's order. Method: seeded rows of several kinds against half a level.
import { describe, expect, it } from "vitest";
import { seededPrng } from "../../../../base/prng.ts";
import { createKvLevels, fromLevels, LEVEL_PARAMETERS, toLevels } from "./kv-levels.ts";
import { inHeads, rotationOrder } from "./rotation-order.ts";

const HEAD = 16;
const prng = seededPrng(3);
const rows: readonly (readonly [string, Float32Array])[] = [
  ["of both signs", Float32Array.from({ length: HEAD }, () => 4 * prng.nextFloat() - 2)],
  ["all above zero", Float32Array.from({ length: HEAD }, () => 3 + prng.nextFloat())],
  ["all alike", new Float32Array(HEAD).fill(-1.5)],
  ["of zeros", new Float32Array(HEAD)],
];
const order = rotationOrder({ headDim: HEAD, rope: { interleaved: true, theta: 1e4, frequencies: [], attentionFactor: 1 } });

describe("levels of keys and values", () => {
  it.each(rows)("keep a row %s to half a level", (_kind, row) => {
    const given = Float32Array.of(9, 9, ...row, 9);
    const levels = createKvLevels(3 * (HEAD + LEVEL_PARAMETERS));
    toLevels(given, 2, levels, HEAD + LEVEL_PARAMETERS, order);
    const back = new Float32Array(HEAD + 1);
    fromLevels(levels, HEAD + LEVEL_PARAMETERS, back, 1, order);
    const level = (Math.max(...row) - Math.min(...row)) / 255;
    for (const [i, value] of row.entries()) expect(Math.abs(back[i + 1]! - value)).toBeLessThanOrEqual(level * 0.51 + 1e-6);
    expect(back[0]).toBe(0);
  });

  it("stand in the order in which the graph turns pairs", () => {
    expect([...rotationOrder({ headDim: 6, rope: { interleaved: true, theta: 1, frequencies: [], attentionFactor: 1 } })]).toEqual([
      0, 2, 4, 1, 3, 5,
    ]);
    expect([...inHeads(Int32Array.of(1, 0), 2)]).toEqual([1, 0, 3, 2]);
    const levels = createKvLevels(HEAD + LEVEL_PARAMETERS);
    toLevels(
      Float32Array.from({ length: HEAD }, (_, i) => i),
      0,
      levels,
      0,
      order,
    );
    expect([...levels.bytes.subarray(LEVEL_PARAMETERS, LEVEL_PARAMETERS + 3)]).toEqual([0, 34, 68]);
  });
});
