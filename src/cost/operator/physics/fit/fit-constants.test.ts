// Goal: a fit finds constants that explain times, says so when none do, and judges itself on groups it did not see.
import { describe, expect, it } from "vitest";
import { deviceSheet } from "../../../../rack/catalog/catalog.ts";
import { withConstants } from "../constant-slot.ts";
import { deviceFigures } from "../device-figures.ts";
import { HOPPER } from "../families/hopper.ts";
import { operatorNs } from "../operator-time.ts";
import { coordinateSearch } from "./coordinate-search.ts";
import { type DeviceTimes, fitConstants, meanLogError, usable } from "./fit-constants.ts";
import { fitSlot } from "./fit-slot.ts";
import { heldOutErrors } from "./held-out.ts";
import { START } from "./start.ts";

const device = deviceFigures(deviceSheet("h100-sxm"));

/** Products timed by the constants of another start, all by `factor` apart in turn. */
function times(factor: number): DeviceTimes {
  const rows = [1, 32, 256, 2048, 8192].flatMap((m) =>
    [512, 2048, 8192].flatMap((n) =>
      [1024, 4096].map((k) => {
        const query = { op: "product", m, n, k, type: "bf16" } as const;
        return { query, ns: operatorNs(device, HOPPER, query) };
      }),
    ),
  );
  return { device, rows: rows.map((row, i) => ({ ...row, ns: row.ns * (i % 2 === 0 ? factor : 1 / factor) })) };
}

describe("fit of constants", () => {
  it("explains times that its model made, and only those", () => {
    const clean = [times(1)];
    expect(meanLogError(START, clean)).toBeGreaterThan(0.08);
    expect(meanLogError(fitConstants(START, "product half", clean, 400), clean)).toBeLessThan(0.04);
    const noisy = [times(1.5)];
    expect(meanLogError(fitConstants(START, "product half", noisy, 400), noisy)).toBeGreaterThan(0.15);
  });

  it("reports the errors of groups that were held out", () => {
    const fitted = fitConstants(START, "product half", [times(1)], 200);
    expect(heldOutErrors(fitted, "product half", [times(1)], 60).median).toBeLessThan(0.1);
    expect(heldOutErrors(fitted, "product half", [times(2)], 60).spread).toBeGreaterThan(0.7);
  });

  it("chooses settings that are no numbers", () => {
    const query = (tokens: number) =>
      ({
        op: "prefill-attention",
        batch: 1,
        tokens,
        context: 8192,
        heads: 32,
        kvHeads: 8,
        headDim: 128,
        window: 0,
        type: "bf16",
        kvType: "bf16",
      }) as const;
    const planted = withConstants(START, "prefill-attention", { ...START.prefillAttention, tileRows: 64, waveShare: 1 });
    const rows = [16, 64, 128, 200, 256, 400, 512, 700, 1024].map((tokens) => ({
      query: query(tokens),
      ns: operatorNs(device, planted, query(tokens)),
    }));
    expect(fitSlot(START, "prefill-attention", [{ device, rows }], 200).prefillAttention.tileRows).toBe(64);
  });

  it("leaves out rows that the sheet cannot price", () => {
    const a100 = deviceFigures(deviceSheet("a100-sxm"));
    const row = (type: "bf16" | "f8e4m3", ns: number) => ({ query: { op: "product", m: 1, n: 1, k: 1, type } as const, ns });
    expect(usable({ device: a100, rows: [row("bf16", 1), row("f8e4m3", 1), row("bf16", 0)] }).rows).toHaveLength(1);
  });
});

describe("coordinate search", () => {
  it("finds a minimum inside its bounds, with the same result each time", () => {
    const loss = ({ x = 0, y = 0 }) => Math.abs(x - 3) + Math.abs(y - 0.2);
    const options = { free: ["x", "y"], bounds: { y: [0.5, 2] as const }, evaluations: 400 };
    const found = coordinateSearch({ x: 1, y: 1, z: 5 }, loss, options);
    expect(found["x"]).toBeCloseTo(3, 1);
    expect(found["y"]).toBe(0.5);
    expect(found["z"]).toBe(5);
    expect(coordinateSearch({ x: 1, y: 1, z: 5 }, loss, options)).toEqual(found);
  });
});
