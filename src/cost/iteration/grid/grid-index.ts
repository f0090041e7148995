/** Nodes an octave of the token axis has; they lie evenly between powers of two. */
export const NODES_PER_OCTAVE = 4;

/**
 * Place of `x` on an axis with nodes at 0, 1, 1.25, 1.5, 1.75, 2, 2.5 … (four an octave): the whole part is the node below, the rest the share of
 * the way to the next one, so that straight interpolation between nodes is straight in `x`. Complexity: constant, no logarithm.
 */
export function gridPlace(x: number): number {
  if (x <= 0) return 0;
  if (x < 1) return x;
  if (x < 0x40000000) {
    const octave = 31 - Math.clz32(x);
    const base = 1 << octave;
    return 1 + NODES_PER_OCTAVE * (octave + (x - base) / base);
  }
  return 1 + NODES_PER_OCTAVE * (30 + (x - 0x40000000) / 0x40000000);
}

/** Value of `x` at a node. */
export function gridValue(node: number): number {
  if (node <= 0) return 0;
  const octave = Math.floor((node - 1) / NODES_PER_OCTAVE);
  return (1 << octave) * (1 + ((node - 1) % NODES_PER_OCTAVE) / NODES_PER_OCTAVE);
}
