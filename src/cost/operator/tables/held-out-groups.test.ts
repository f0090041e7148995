// Goal: leaving groups out in closed form gives what fitting without them gives. Method: both, on products of a made-up device.
import { describe, expect, it } from "vitest";
import { MADE_UP, madeUpProducts } from "../../../../test/support/measured-rows.ts";
import type { OperatorQuery } from "../operator-query.ts";
import { curveGrid } from "./curve-grid.ts";
import { deviceRates } from "./device-rates.ts";
import { PRODUCTS } from "./families/product.ts";
import { heldOutGroups } from "./held-out-groups.ts";
import { distance, kernel } from "./kernel.ts";
import { measuredCurves } from "./measured-curves.ts";
import type { OperatorFamily } from "./operator-family.ts";
import { LENGTH_OCTAVES } from "./operator-family.ts";
import { gridOf, inverseSimilarity } from "./similarity.ts";

const FAMILY = PRODUCTS as OperatorFamily<OperatorQuery>;

describe("groups left out", () => {
  it("are predicted as by a fit without them", () => {
    // Whole values of n are groups here, so that groups have several sites.
    const curves = measuredCurves(FAMILY, madeUpProducts(0.03), deviceRates(MADE_UP)).map((curve) => ({
      ...curve,
      group: curve.site.split(" ")[0]!,
    }));
    const grid = curveGrid(curves);
    const inverse = inverseSimilarity(grid, "rough");
    const { sites, axis, logs, coordinates, dimensions } = grid;
    const times = (matrix: Float64Array, size: number, values: (i: number) => number): number[] =>
      Array.from({ length: size }, (_, a) => {
        let sum = 0;
        for (let b = 0; b < size; b++) sum += matrix[a * size + b]! * values(b);
        return sum;
      });
    // No means are taken out, so that both fits see the same numbers.
    const weights = Float64Array.from(Array.from(axis).flatMap((_, level) => times(inverse, sites, (i) => logs[level * sites + i]!)));
    const { residuals } = heldOutGroups(grid, inverse, weights);

    const dropped = curves.flatMap(({ group }, i) => (group === "1024" ? [i] : []));
    const kept = Int32Array.from(curves.flatMap(({ group }, i) => (group === "1024" ? [] : [i])));
    const rest = gridOf(grid, kept);
    const restInverse = inverseSimilarity(rest, "rough");
    for (let level = 0; level < axis.length; level++) {
      const alpha = times(restInverse, rest.sites, (i) => rest.logs[level * rest.sites + i]!);
      for (const site of dropped) {
        let predicted = 0;
        kept.forEach((other, i) => {
          const apart = distance(coordinates, site * dimensions, coordinates, other * dimensions, dimensions);
          predicted += kernel("rough", apart / LENGTH_OCTAVES) * alpha[i]!;
        });
        expect(residuals[level * sites + site]).toBeCloseTo(logs[level * sites + site]! - predicted, 8);
      }
    }
  });
});
