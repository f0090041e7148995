import { describe, expect, it } from "vitest";
import { seededPrng } from "../../base/prng.ts";
import { evenHandOver, kvBytes, layerwiseHandOver, sustainedRate, transferNs } from "./kv-transfer.ts";

const PATH = { bytesPerSecond: 50e9, share: 0.94, postNs: 1000, latencyNs: 4000, descriptorNs: 200 };

/** The two machines run one layer after the other, event by event. */
function byEvents(computedNs: readonly number[], moveNs: readonly number[]): number {
  let free = 0;
  computedNs.forEach((computed, l) => {
    free = Math.max(free, computed) + moveNs[l]!;
  });
  return free;
}

describe("transfers of state", () => {
  it("cost posting, latency, pieces and bytes; hosts may be narrower than their cards", () => {
    expect(transferNs(PATH, { bytes: 47e6, descriptors: 10 })).toBeCloseTo(5000 + 2000 + 1e6, 6);
    expect(sustainedRate({ ...PATH, hostBytesPerSecond: 20e9 })).toBe(20e9);
  });

  it("of a prompt move copied heads", () => {
    const shape = { tokens: 32768, layers: 36, kvHeads: 8, headDim: 128, elementBytes: 2, tensor: 1 };
    expect(kvBytes(shape)).toBe(147456 * 32768);
    expect(kvBytes({ ...shape, tensor: 16 })).toBe(2 * kvBytes(shape));
  });

  it("layer by layer end as a flow shop of two machines does", () => {
    const draw = seededPrng(5);
    for (let round = 0; round < 200; round++) {
      const layers = 1 + draw.nextBelow(40);
      let at = 0;
      const computed = Array.from({ length: layers }, () => (at += draw.nextBelow(1000)));
      const moves = Array.from({ length: layers }, () => draw.nextBelow(1000));
      const { finishNs, exposedNs } = layerwiseHandOver(computed, moves);
      expect(finishNs).toBe(byEvents(computed, moves));
      expect(exposedNs).toBe(finishNs - at);
    }
    expect(() => layerwiseHandOver([2, 1], [1, 1])).toThrow("in order");
  });

  it("of even layers agree with the general form", () => {
    for (const [compute, move, layers] of [
      [3200, 6400, 32],
      [6400, 3200, 32],
      [100, 100, 1],
    ] as const) {
      const computed = Array.from({ length: layers }, (_, l) => (compute / layers) * (l + 1));
      const moves = Array.from({ length: layers }, () => move / layers);
      expect(evenHandOver(compute, move, layers).finishNs).toBeCloseTo(layerwiseHandOver(computed, moves).finishNs, 6);
    }
  });
});
