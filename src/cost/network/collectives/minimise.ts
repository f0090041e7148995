/**
 * Least value of a function near a start, by Nelder and Mead's simplex: deterministic, without derivatives.
 *
 * Complexity: about `steps` x 1.5 evaluations. Source: Nelder and Mead (1965), with the usual coefficients 1, 2, 1/2, 1/2.
 */
export function minimise(
  of: (at: readonly number[]) => number,
  start: readonly number[],
  options: { readonly steps: number; readonly size: number },
): number[] {
  const n = start.length;
  let corners: Corner[] = [corner(of, [...start])];
  for (let i = 0; i < n; i++) {
    corners.push(
      corner(
        of,
        start.map((x, j) => (i === j ? x + options.size : x)),
      ),
    );
  }
  for (let step = 0; step < options.steps; step++) {
    corners.sort((a, b) => a.value - b.value);
    const best = corners[0]!;
    const worst = corners[n]!;
    const centre = best.at.map((_, j) => corners.slice(0, n).reduce((sum, { at }) => sum + at[j]!, 0) / n);
    const along = (share: number): Corner =>
      corner(
        of,
        centre.map((x, j) => x + share * (worst.at[j]! - x)),
      );
    const mirrored = along(-1);
    if (mirrored.value < best.value) {
      const farther = along(-2);
      corners[n] = farther.value < mirrored.value ? farther : mirrored;
    } else if (mirrored.value < corners[n - 1]!.value) corners[n] = mirrored;
    else {
      const nearer = along(mirrored.value < worst.value ? -0.5 : 0.5);
      if (nearer.value < Math.min(worst.value, mirrored.value)) corners[n] = nearer;
      else corners = corners.map((c, i) => (i === 0 ? c : halfway(of, best, c)));
    }
  }
  return corners.reduce((least, c) => (c.value < least.value ? c : least)).at;
}

interface Corner {
  readonly at: number[];
  readonly value: number;
}

function corner(of: (at: readonly number[]) => number, at: number[]): Corner {
  return { at, value: of(at) };
}

function halfway(of: (at: readonly number[]) => number, from: Corner, to: Corner): Corner {
  return corner(
    of,
    from.at.map((x, j) => x + 0.5 * (to.at[j]! - x)),
  );
}
