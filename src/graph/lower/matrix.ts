import { dequantiseAll } from "../decoder/dequantise.ts";
import { rowsAndColumns } from "../decoder/formats.ts";
import type { WeightTensor } from "../decoder/weights.ts";
import { rotate, rotateRows } from "./rotation.ts";

/** Rows of several weights stacked under each other: one fused product instead of several. */
export interface StackedMatrix {
  readonly name: string;
  /** Outputs. */
  readonly rows: number;
  /** Inputs. */
  readonly columns: number;
  readonly parts: readonly MatrixPart[];
  /** Multiplies the input columns (the weight of a norm before the product), [columns]. */
  readonly inputScale?: Float32Array;
  /** The input arrives rotated, or the output shall be: see `rotation.ts`. */
  readonly rotateInput?: boolean;
  readonly rotateOutput?: boolean;
}

export interface MatrixPart {
  readonly tensor: WeightTensor;
  /** Multiplies the part's outputs (1/sqrt(head dimension) for queries, so that attention needs no scaling). */
  readonly scale: number;
}

export function stack(name: string, parts: readonly MatrixPart[], basis: Partial<StackedMatrix> = {}): StackedMatrix {
  const sizes = parts.map((part) => rowsAndColumns(part.tensor.shape));
  return { name, rows: sizes.reduce((sum, size) => sum + size.rows, 0), columns: sizes[0]?.columns ?? 0, parts, ...basis };
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
  return changeBasis(matrix, out);
}

/** Folds the norm's weight and the rotations into the weights, so that they cost nothing when the model runs. */
function changeBasis(matrix: StackedMatrix, values: Float32Array): Float32Array {
  const { rows, columns, inputScale } = matrix;
  if (inputScale !== undefined) {
    for (let at = 0; at < values.length; at += columns) {
      for (let column = 0; column < columns; column++) values[at + column]! *= inputScale[column]!;
    }
  }
  if (matrix.rotateInput === true) for (let row = 0; row < rows; row++) rotate(values, row * columns, columns);
  if (matrix.rotateOutput === true) rotateRows(values, { offset: 0, rows, columns });
  return values;
}
