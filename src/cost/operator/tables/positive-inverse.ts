import { assert } from "../../../base/assert.ts";

/** Inverse of a symmetric positive definite matrix of `size` rows, row after row; the argument is overwritten. Cost: about size³ multiply-adds. */
export function positiveInverse(matrix: Float64Array, size: number): Float64Array {
  factor(matrix, size);
  const rows = inverseOfLower(matrix, size);
  const inverse = new Float64Array(size * size);
  for (let a = 0; a < size; a++) {
    const from = a * size;
    for (let b = 0; b <= a; b++) {
      const other = b * size;
      let sum = 0;
      for (let i = a; i < size; i++) sum += rows[from + i]! * rows[other + i]!;
      inverse[from + b] = sum;
      inverse[other + a] = sum;
    }
  }
  return inverse;
}

/** Lower Cholesky factor, in place. */
function factor(matrix: Float64Array, size: number): void {
  for (let i = 0; i < size; i++) {
    const row = i * size;
    for (let j = 0; j <= i; j++) {
      const other = j * size;
      let sum = matrix[row + j]!;
      for (let k = 0; k < j; k++) sum -= matrix[row + k]! * matrix[other + k]!;
      if (i === j) {
        assert(sum > 0, "the matrix is not positive definite", { row: i });
        matrix[row + i] = Math.sqrt(sum);
      } else matrix[row + j] = sum / matrix[other + j]!;
    }
  }
}

/** Columns of the inverse of a lower factor, each contiguous: element [i][j] of it stands at j x size + i. */
function inverseOfLower(lower: Float64Array, size: number): Float64Array {
  const columns = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    const column = j * size;
    columns[column + j] = 1 / lower[column + j]!;
    for (let i = j + 1; i < size; i++) {
      const row = i * size;
      let sum = 0;
      for (let k = j; k < i; k++) sum -= lower[row + k]! * columns[column + k]!;
      columns[column + i] = sum / lower[row + i]!;
    }
  }
  return columns;
}

/** Rows and columns `members` of a symmetric matrix of `size` rows. */
export function submatrix(matrix: Float64Array, size: number, members: Int32Array): Float64Array {
  const count = members.length;
  const part = new Float64Array(count * count);
  for (let a = 0; a < count; a++) {
    const row = members[a]! * size;
    for (let b = 0; b < count; b++) part[a * count + b] = matrix[row + members[b]!]!;
  }
  return part;
}

/** An inverse without some rows. */
export interface ReducedInverse {
  readonly inverse: Float64Array;
  /** P_AB P_BB⁻¹, a row for each row kept: how what was left out enters those that stay. */
  readonly transfer: Float64Array;
  /** Diagonal of P_BB⁻¹: variances of what was left out, given the rest. */
  readonly variances: Float64Array;
}

/**
 * The inverse of a matrix less some of its rows and columns, from the inverse P of the whole: P_AA - P_AB P_BB⁻¹ P_BA. The result is what inverting the
 * smaller matrix gives, at size² x (rows left out) multiply-adds.
 */
export function inverseWithout(inverse: Float64Array, size: number, kept: Int32Array, dropped: Int32Array): ReducedInverse {
  const left = kept.length;
  const gone = dropped.length;
  const middle = positiveInverse(submatrix(inverse, size, dropped), gone);
  const result = submatrix(inverse, size, kept);
  const cross = new Float64Array(left * gone);
  const weighted = new Float64Array(left * gone);
  for (let a = 0; a < left; a++) {
    for (let b = 0; b < gone; b++) cross[a * gone + b] = inverse[kept[a]! * size + dropped[b]!]!;
    for (let b = 0; b < gone; b++) {
      let sum = 0;
      for (let c = 0; c < gone; c++) sum += middle[b * gone + c]! * cross[a * gone + c]!;
      weighted[a * gone + b] = sum;
    }
  }
  for (let a = 0; a < left; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let c = 0; c < gone; c++) sum += weighted[a * gone + c]! * cross[b * gone + c]!;
      result[a * left + b] = result[a * left + b]! - sum;
      result[b * left + a] = result[a * left + b]!;
    }
  }
  return { inverse: result, transfer: weighted, variances: Float64Array.from(dropped, (_, i) => middle[i * gone + i]!) };
}
