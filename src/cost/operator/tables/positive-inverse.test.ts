// Goal: inverses of similarity matrices, whole and with rows left out, are right. Method: products with the matrix, and inverting the smaller matrix.
import { describe, expect, it } from "vitest";
import { seededPrng } from "../../../base/prng.ts";
import { inverseWithout, positiveInverse, submatrix } from "./positive-inverse.ts";

/** A random positive definite matrix: similarities of points on a line, noise on the diagonal. */
function similarities(size: number, seed: number): Float64Array {
  const prng = seededPrng(seed);
  const at = Array.from({ length: size }, () => 10 * prng.nextFloat());
  const matrix = new Float64Array(size * size);
  for (let a = 0; a < size; a++)
    for (let b = 0; b < size; b++) matrix[a * size + b] = 1 / (1 + Math.abs(at[a]! - at[b]!)) + (a === b ? 0.1 : 0);
  return matrix;
}

describe("inverse of a positive definite matrix", () => {
  it("times the matrix is one", () => {
    const size = 17;
    const matrix = similarities(size, 1);
    const inverse = positiveInverse(matrix.slice(), size);
    for (let a = 0; a < size; a++) {
      for (let b = 0; b < size; b++) {
        let sum = 0;
        for (let i = 0; i < size; i++) sum += matrix[a * size + i]! * inverse[i * size + b]!;
        expect(sum).toBeCloseTo(a === b ? 1 : 0, 9);
      }
    }
  });

  it("without some rows is the inverse of what is left", () => {
    const size = 12;
    const matrix = similarities(size, 2);
    const kept = Int32Array.of(0, 2, 3, 5, 6, 8, 9, 11);
    const dropped = Int32Array.of(1, 4, 7, 10);
    const direct = positiveInverse(submatrix(matrix, size, kept), kept.length);
    const down = inverseWithout(positiveInverse(matrix.slice(), size), size, kept, dropped);
    down.inverse.forEach((value, i) => {
      expect(value).toBeCloseTo(direct[i]!, 9);
    });
  });

  it("refuses a matrix that is not positive definite", () => {
    expect(() => positiveInverse(Float64Array.of(1, 2, 2, 1), 2)).toThrow("not positive definite");
  });
});
