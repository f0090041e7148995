import { assert } from "../../../base/assert.ts";
import type { RequestColumns } from "../../serving/serving-input.ts";
import { workloadInvalid } from "../workload-error.ts";

/** Most ids of shared blocks that the columns of a workload may hold: 1 GiB of them. */
export const BLOCK_IDS_MAX = 268_435_456;

/** One request of the columns. */
export interface ColumnRow {
  readonly atNs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Row that must end before this one arrives, and the time between. */
  readonly after?: number;
  readonly thinkNs?: number;
}

/** Columns that grow by one row at a time; typed arrays that double, so a million rows take tens of megabytes. */
export interface ColumnBuilder {
  readonly count: number;
  /** Adds a row; ids of its shared blocks are added before it. Rows come in order of arrival. */
  add(row: ColumnRow): number;
  /** Next shared block of the row that is added next. */
  addBlock(id: number): void;
  /** The finished columns; the builder is not used after. */
  columns(blockTokens: number): RequestColumns;
}

/** Collects requests into columns of typed arrays that grow as they fill. */
export function createColumnBuilder(rows = 1024): ColumnBuilder {
  let arrivalNs = new Float64Array(rows);
  let promptTokens = new Int32Array(rows);
  let outputTokens = new Int32Array(rows);
  let blockStart = new Int32Array(rows + 1);
  let blockIds = new Int32Array(1024);
  let after: Int32Array | undefined;
  let thinkNs: Float64Array | undefined;
  let count = 0;
  let blocks = 0;
  const grow = (): void => {
    const room = 2 * arrivalNs.length;
    arrivalNs = grown(arrivalNs, new Float64Array(room));
    promptTokens = grown(promptTokens, new Int32Array(room));
    outputTokens = grown(outputTokens, new Int32Array(room));
    blockStart = grown(blockStart, new Int32Array(room + 1));
    if (after !== undefined) after = grown(after, new Int32Array(room).fill(-1));
    if (thinkNs !== undefined) thinkNs = grown(thinkNs, new Float64Array(room));
  };
  return {
    get count() {
      return count;
    },
    add: (row) => {
      if (count === arrivalNs.length) grow();
      assert(count === 0 || row.atNs >= arrivalNs[count - 1]!, "rows come in order of arrival", { row: count, atNs: row.atNs });
      arrivalNs[count] = row.atNs;
      promptTokens[count] = row.promptTokens;
      outputTokens[count] = row.outputTokens;
      if (row.after !== undefined) {
        assert(row.after >= 0 && row.after < count, "a row follows one before it", { row: count, after: row.after });
        after ??= new Int32Array(arrivalNs.length).fill(-1);
        thinkNs ??= new Float64Array(arrivalNs.length);
        after[count] = row.after;
        thinkNs[count] = row.thinkNs ?? 0;
      }
      blockStart[count + 1] = blocks;
      return count++;
    },
    addBlock: (id) => {
      if (blocks === BLOCK_IDS_MAX)
        throw workloadInvalid({}, `more than ${BLOCK_IDS_MAX} shared blocks; use longer blocks or fewer requests`);
      if (blocks === blockIds.length) blockIds = grown(blockIds, new Int32Array(2 * blocks));
      blockIds[blocks++] = id;
    },
    columns: (blockTokens) => ({
      count,
      arrivalNs: arrivalNs.subarray(0, count),
      promptTokens: promptTokens.subarray(0, count),
      outputTokens: outputTokens.subarray(0, count),
      blockStart: blockStart.subarray(0, count + 1),
      blockIds: blockIds.subarray(0, blocks),
      blockTokens,
      ...(after === undefined || thinkNs === undefined ? {} : { after: after.subarray(0, count), thinkNs: thinkNs.subarray(0, count) }),
    }),
  };
}

function grown<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}
