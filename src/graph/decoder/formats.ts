import type { WeightFormat } from "./weights.ts";

export interface FormatLayout {
  /** Consecutive elements of a row that share scales; 1 for plain formats. */
  readonly blockElements: number;
  readonly blockBytes: number;
}

/** Size of one block of each format. Source: ggml-common.h of llama.cpp. */
export const FORMAT_LAYOUTS: Readonly<Record<WeightFormat, FormatLayout>> = {
  F32: { blockElements: 1, blockBytes: 4 },
  F16: { blockElements: 1, blockBytes: 2 },
  BF16: { blockElements: 1, blockBytes: 2 },
  Q4_0: { blockElements: 32, blockBytes: 18 },
  Q4_1: { blockElements: 32, blockBytes: 20 },
  Q8_0: { blockElements: 32, blockBytes: 34 },
  Q4_K: { blockElements: 256, blockBytes: 144 },
  Q6_K: { blockElements: 256, blockBytes: 210 },
};

/** Bytes of one row of `columns` elements, or undefined where the blocks do not divide it. */
export function rowBytes(format: WeightFormat, columns: number): number | undefined {
  const { blockElements, blockBytes } = FORMAT_LAYOUTS[format];
  return columns % blockElements === 0 ? (columns / blockElements) * blockBytes : undefined;
}

/** Rows and columns of a tensor; a vector is one row. */
export function rowsAndColumns(shape: readonly number[]): { readonly rows: number; readonly columns: number } {
  const columns = shape.at(-1) ?? 1;
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  return { rows, columns };
}
