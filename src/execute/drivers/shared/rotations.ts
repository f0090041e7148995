import type { RopeSpec } from "../../../graph/decoder/spec.ts";
import type { RotationTables } from "../../../graph/lower/stage-attention.ts";

/** Rotation tables for `positions` positions, computed in double precision. */
export function rotationTables(rope: RopeSpec, positions: number): RotationTables {
  const pairs = rope.frequencies.length;
  const cosines = new Float32Array(positions * pairs);
  const sines = new Float32Array(positions * pairs);
  for (let position = 0; position < positions; position++) {
    for (let pair = 0; pair < pairs; pair++) {
      const angle = position * (rope.frequencies[pair] ?? 0);
      cosines[position * pairs + pair] = Math.cos(angle) * rope.attentionFactor;
      sines[position * pairs + pair] = Math.sin(angle) * rope.attentionFactor;
    }
  }
  return { positions, cosines, sines };
}
