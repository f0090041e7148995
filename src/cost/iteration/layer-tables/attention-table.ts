import type { AttentionTime } from "../../import/llmservingsim/layer-tables.ts";

/** Attention of one layer by prompt tokens, their context, decodes and their context. */
export interface AttentionTable {
  /** Grid values, ascending, of the four axes. */
  readonly axes: readonly [Float64Array, Float64Array, Float64Array, Float64Array];
  /** Row-major over the axes; NaN where nothing was measured. Units: ns. */
  readonly times: Float64Array;
}

const AXES = 4;
/** Places and shares of one question; module-level, so that asking allocates nothing. */
const low = new Int32Array(AXES);
const share = new Float64Array(AXES);

export function attentionTable(rows: readonly AttentionTime[]): AttentionTable {
  const axis = (of: (row: AttentionTime) => number): Float64Array => Float64Array.from(new Set(rows.map(of))).sort();
  const axes = [
    axis((row) => row.prefillTokens),
    axis((row) => row.prefillContext),
    axis((row) => row.decodes),
    axis((row) => row.decodeContext),
  ] as const;
  const times = new Float64Array(axes.reduce((size, { length }) => size * length, 1)).fill(Number.NaN);
  for (const row of rows) {
    let at = axes[0].indexOf(row.prefillTokens);
    at = at * axes[1].length + axes[1].indexOf(row.prefillContext);
    at = at * axes[2].length + axes[2].indexOf(row.decodes);
    times[at * axes[3].length + axes[3].indexOf(row.decodeContext)] = row.ns;
  }
  return { axes: [...axes], times };
}

/**
 * Multilinear over the four axes; a corner that was not measured leaves its weight to the others. Beyond an axis the edge counts, times the
 * growth of the work: what was measured there is long enough that time follows work.
 *
 * Complexity: 16 corners, O(log) a place; no allocation.
 */
export function attentionNs(
  table: AttentionTable,
  prefill: number,
  prefillContext: number,
  decodes: number,
  decodeContext: number,
): number {
  const { axes, times } = table;
  const [, contexts, counts, lengths] = axes;
  let beyond = place(axes[0], 0, prefill);
  beyond *= place(contexts, 1, prefill === 0 ? 0 : prefillContext);
  beyond *= place(counts, 2, decodes);
  beyond *= place(lengths, 3, decodes === 0 ? 0 : decodeContext);
  let sum = 0;
  let weights = 0;
  // One bit an axis; corners without weight are passed over, so a question on the grid reads one.
  for (let a = 0; a < 2; a++) {
    const first = a === 1 ? share[0]! : 1 - share[0]!;
    if (first === 0) continue;
    const row = (low[0]! + a) * contexts.length + low[1]!;
    for (let b = 0; b < 2; b++) {
      const second = first * (b === 1 ? share[1]! : 1 - share[1]!);
      if (second === 0) continue;
      const column = (row + b) * counts.length + low[2]!;
      for (let c = 0; c < 2; c++) {
        const third = second * (c === 1 ? share[2]! : 1 - share[2]!);
        if (third === 0) continue;
        const at = (column + c) * lengths.length + low[3]!;
        for (let d = 0; d < 2; d++) {
          const weight = third * (d === 1 ? share[3]! : 1 - share[3]!);
          if (weight === 0) continue;
          const time = times[at + d]!;
          // biome-ignore lint/suspicious/noSelfCompare: the fastest test for NaN, in the innermost loop
          if (time !== time) continue;
          sum += weight * time;
          weights += weight;
        }
      }
    }
  }
  return weights === 0 ? 0 : (sum / weights) * beyond;
}

/** Decode attention without prompts: for each number of decodes the times at the axis of contexts, made when it is first asked for. */
export interface DecodeRows {
  readonly table: AttentionTable;
  readonly rows: (Float64Array | undefined)[];
}

/** As `attentionNs` without prompts. Complexity: O(log contexts), no allocation but one row a number of decodes. */
export function decodeAttentionNs({ table, rows }: DecodeRows, decodes: number, context: number): number {
  const contexts = table.axes[3];
  let row = rows[decodes];
  if (row === undefined) {
    row = contexts.map((length) => attentionNs(table, 0, 0, decodes, length));
    rows[decodes] = row;
  }
  const last = contexts.length - 1;
  if (context >= contexts[last]!) return (row[last]! * context) / contexts[last]!;
  let from = 0;
  let to = last;
  while (to - from > 1) {
    const middle = (from + to) >> 1;
    if (contexts[middle]! <= context) from = middle;
    else to = middle;
  }
  return row[from]! + ((row[to]! - row[from]!) * (context - contexts[from]!)) / (contexts[to]! - contexts[from]!);
}

/** Finds a value's cell of an axis. Returns how far the value lies beyond the axis, as a factor from 1. */
function place(axis: Float64Array, a: number, value: number): number {
  const last = axis.length - 1;
  low[a] = 0;
  share[a] = 0;
  if (last === 0 || value <= axis[0]!) return 1;
  let from = 0;
  let to = last;
  while (to - from > 1) {
    const middle = (from + to) >> 1;
    if (axis[middle]! <= value) from = middle;
    else to = middle;
  }
  low[a] = from;
  share[a] = Math.min(1, (value - axis[from]!) / (axis[to]! - axis[from]!));
  return value > axis[last]! ? value / axis[last]! : 1;
}
