import { dequantiseAll } from "../decoder/dequantise.ts";
import { rowsAndColumns } from "../decoder/formats.ts";
import type { WeightTensor } from "../decoder/weights.ts";

/** Rows of several weights stacked under each other: one fused product instead of several. */
export interface StackedMatrix {
  readonly name: string;
  /** Outputs. */
  readonly rows: number;
  /** Inputs. */
  readonly columns: number;
  readonly parts: readonly MatrixPart[];
}

export interface MatrixPart {
  readonly tensor: WeightTensor;
  /** Multiplies the part's outputs (1/sqrt(head dimension) for queries, so that attention needs no scaling). */
  readonly scale: number;
}

export function stack(name: string, parts: readonly MatrixPart[]): StackedMatrix {
  const sizes = parts.map((part) => rowsAndColumns(part.tensor.shape));
  return { name, rows: sizes.reduce((sum, size) => sum + size.rows, 0), columns: sizes[0]?.columns ?? 0, parts };
}

/** All rows as 32-bit floats, [rows, columns]. */
export function stackedFloats(matrix: StackedMatrix): Float32Array {
  const out = new Float32Array(matrix.rows * matrix.columns);
  let at = 0;
  for (const { tensor, scale } of matrix.parts) {
    const values = dequantiseAll(tensor);
    if (scale !== 1) for (let i = 0; i < values.length; i++) values[i]! *= scale;
    out.set(values, at);
    at += values.length;
  }
  return out;
}
