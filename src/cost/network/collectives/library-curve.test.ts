import { describe, expect, it } from "vitest";
import { curveNs } from "./collective-curve.ts";
import { libraryCurve } from "./library-curve.ts";
import type { NetworkFigures } from "./network-figures.ts";

const H100: NetworkFigures = {
  name: "H100",
  generation: "hopper",
  scaleUp: { bytesPerSecond: 450e9, devices: 8, reducesInSwitch: true },
  library: "sglang",
};

function small(figures: Partial<NetworkFigures>): { readonly ns: number; readonly spread: number } {
  const curve = libraryCurve({ ...H100, ...figures }, "hopper", "all-reduce");
  if (curve === undefined) throw new Error("no curve");
  return { ns: curveNs(curve.lines, 450, { kind: "all-reduce", bytes: 8192, ranks: 8 }), spread: curve.spread };
}

describe("curves of libraries", () => {
  it("SGLang up to 0.5.10 runs vLLM's kernels, from 0.5.14 its own; in between and unsaid the interval holds both", () => {
    const shared = small({ libraryVersion: "0.5.10.post1" });
    const own = small({ libraryVersion: "v0.5.14-cu130" });
    expect(shared).toEqual(small({ library: "vllm" }));
    expect(small({ libraryVersion: "0.4.6" })).toEqual(shared);
    expect(own.ns).toBeLessThan(0.8 * shared.ns);
    for (const unsaid of [small({}), small({ libraryVersion: "0.5.12" }), small({ libraryVersion: "main" })]) {
      expect(unsaid.ns).toBe(own.ns);
      expect(unsaid.ns * (1 + unsaid.spread)).toBeGreaterThan(shared.ns);
    }
    expect(own.spread).toBeLessThan(small({}).spread);
  });

  it("engines leave all but all-reduce to NCCL, whatever their version; broadcast was not measured", () => {
    for (const library of ["vllm", "sglang", "trtllm"] as const) {
      const nccl = libraryCurve({ ...H100, library: "nccl" }, "hopper", "all-gather");
      expect(libraryCurve({ ...H100, library, libraryVersion: "0.1.0" }, "hopper", "all-gather")).toEqual(nccl);
      expect(libraryCurve({ ...H100, library }, "hopper", "broadcast")).toBeUndefined();
    }
  });
});
