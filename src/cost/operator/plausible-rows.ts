import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { MeasuredOperator, MeasuredTable } from "./measured-table.ts";
import type { OperatorQuery } from "./operator-query.ts";
import { operatorWork } from "./operator-work.ts";

/** Why a row cannot be used. */
export type RowFault = "no-time" | "faster-than-peak" | "faster-than-memory" | "copy";

/** A row that was left out, for the list a user sees. */
export interface RejectedRow {
  readonly row: number;
  readonly fault: RowFault;
  readonly ns: number;
  /** The least time the device's sheet allows; 0 where that is not the fault. */
  readonly leastNs: number;
}

/** What is left of a table, and what was left out of it. */
export interface FilteredTable {
  readonly table: MeasuredTable;
  readonly rejected: readonly RejectedRow[];
  readonly counts: Readonly<Record<RowFault, number>>;
}

const NS_PER_SECOND = 1e9;
/** Boost clocks above those of the data sheet, and rounding; rows below this share of the least time are impossible. */
const TOLERANCE = 0.8;

/**
 * Rows a device can have produced.
 *
 * Model: `ns` at least 0.8 of operations ÷ peak (causal and windowed attention counted as such); at least 0.8 of bytes ÷ memory bandwidth where the
 * bytes are more than twice the last-level cache, because smaller sets stay in it between repetitions. Devices without a figure skip its test. Expert
 * weights count only under even loads: how many a skewed load touches is not known, and some mixtures have two products an expert, so two of three
 * count. A `copy` repeats query, implementation and time of an earlier row; repeats with other times stay.
 * Source: shared reference on simulation, section 8.
 */
export function plausibleRows(table: MeasuredTable, sheet: DeviceSheet): FilteredTable {
  const counts: Record<RowFault, number> = { "no-time": 0, "faster-than-peak": 0, "faster-than-memory": 0, copy: 0 };
  const rows: MeasuredOperator[] = [];
  const rejected: RejectedRow[] = [];
  const seen = new Map<number, MeasuredOperator[]>();
  for (const measured of table.rows) {
    const fault = impossible(measured, sheet) ?? copyFault(measured, seen);
    if (fault === undefined) rows.push(measured);
    else {
      rejected.push({ row: measured.row, ns: measured.ns, ...fault });
      counts[fault.fault] += 1;
    }
  }
  return { table: { ...table, rows }, rejected, counts };
}

type Fault = Pick<RejectedRow, "fault" | "leastNs">;

/** Why a device cannot have produced a row, by `plausibleRows`; undefined where it can. */
export function impossible({ query, ns }: Pick<MeasuredOperator, "query" | "ns">, sheet: DeviceSheet): Fault | undefined {
  if (!(ns > 0)) return { fault: "no-time", leastNs: 0 };
  const work = operatorWork(query);
  if (work === undefined) return undefined;
  const share = query.op === "experts" ? 2 / 3 : 1;
  const peak = sheet.peaks[work.type];
  const computeNs = peak === undefined ? 0 : (share * work.ops * NS_PER_SECOND) / peak.value;
  if (ns < TOLERANCE * computeNs) return { fault: "faster-than-peak", leastNs: computeNs };
  const cacheBytes = sheet.cache?.bytes.value;
  if (cacheBytes === undefined || work.bytes <= 2 * cacheBytes || !knownBytes(query)) return undefined;
  const memoryNs = (share * work.bytes * NS_PER_SECOND) / sheet.memory.bandwidthBytesPerSecond.value;
  return ns < TOLERANCE * memoryNs ? { fault: "faster-than-memory", leastNs: memoryNs } : undefined;
}

function knownBytes(query: OperatorQuery): boolean {
  return query.op !== "experts" || query.load === "balanced";
}

/** Compares queries only where times are equal. */
function copyFault(measured: MeasuredOperator, seen: Map<number, MeasuredOperator[]>): Fault | undefined {
  const alike = seen.get(measured.ns);
  if (alike === undefined) {
    seen.set(measured.ns, [measured]);
    return undefined;
  }
  const name = nameOf(measured);
  if (alike.some((other) => nameOf(other) === name)) return { fault: "copy", leastNs: 0 };
  alike.push(measured);
  return undefined;
}

function nameOf({ query, variant }: MeasuredOperator): string {
  return `${variant ?? ""} ${JSON.stringify(query)}`;
}
