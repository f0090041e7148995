import type { CurveGrid } from "./curve-grid.ts";
import { positiveInverse, submatrix } from "./positive-inverse.ts";

/** What each site's curve would have missed by, had its whole group not been measured. */
export interface HeldOut {
  /** Level l of site i at l x sites + i: log of measured minus log of predicted. */
  readonly residuals: Float64Array;
  /** Standard deviation the fit gives each site then, against that of far sites. */
  readonly deviations: Float64Array;
}

/**
 * Leaves each group out in turn, exactly and without a second fit: with P the inverse similarity, residuals of a group B are P_BB⁻¹ (P y)_B and
 * variances the diagonal of P_BB⁻¹.
 *
 * Source: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), section 5.4.2, for one row; the block form follows alike.
 */
export function heldOutGroups(grid: CurveGrid, inverse: Float64Array, weights: Float64Array): HeldOut {
  const { sites, axis, groups } = grid;
  const residuals = new Float64Array(axis.length * sites);
  const deviations = new Float64Array(sites);
  for (const members of membersOfGroups(groups)) {
    const count = members.length;
    const block = positiveInverse(submatrix(inverse, sites, members), count);
    for (let a = 0; a < count; a++) {
      const site = members[a]!;
      deviations[site] = Math.sqrt(block[a * count + a]!);
      for (let level = 0; level < axis.length; level++) {
        let sum = 0;
        for (let b = 0; b < count; b++) sum += block[a * count + b]! * weights[level * sites + members[b]!]!;
        residuals[level * sites + site] = sum;
      }
    }
  }
  return { residuals, deviations };
}

function membersOfGroups(groups: Int32Array): Int32Array[] {
  const lists = new Map<number, number[]>();
  groups.forEach((group, site) => {
    const list = lists.get(group);
    if (list === undefined) lists.set(group, [site]);
    else list.push(site);
  });
  return [...lists.values()].map((list) => Int32Array.from(list));
}
