import type { MeasuredTable } from "../measured-table.ts";
import type { FilteredTable } from "../plausible-rows.ts";
import { familyOf } from "./families.ts";

/** Share of impossible rows from which on what is left of a table is not believed either: its kernel left work out, also where it was slow enough. */
const SPOILT_SHARE = 0.02;

/** Tables of which so many rows are faster than the device's peak that none is used, by `family: table`, with what is wrong in words. */
export function spoiltTables(measured: readonly MeasuredTable[], filtered: readonly FilteredTable[]): ReadonlyMap<string, string> {
  const spoilt = new Map<string, string>();
  measured.forEach(({ file, rows }, i) => {
    const impossible = new Set(filtered[i]!.rejected.flatMap(({ fault, row }) => (fault === "faster-than-peak" ? [row] : [])));
    if (impossible.size === 0) return;
    const counts = new Map<string, { all: number; impossible: number }>();
    for (const { row, query } of rows) {
      const family = familyOf(query);
      if (family === undefined) continue;
      const key = `${family.name}: ${family.table(query)}`;
      const count = counts.get(key) ?? { all: 0, impossible: 0 };
      count.all += 1;
      if (impossible.has(row)) count.impossible += 1;
      counts.set(key, count);
    }
    for (const [key, count] of counts) {
      if (count.impossible < SPOILT_SHARE * count.all) continue;
      spoilt.set(
        key,
        `a table of ${key} that can be true: ${count.impossible} of ${count.all} rows of ${file} are faster than the device's peak`,
      );
    }
  });
  return spoilt;
}
