import type { MeasuredOperator } from "../measured-table.ts";
import type { OperatorQuery } from "../operator-query.ts";
import { familyOf } from "./families.ts";
import type { OperatorFamily } from "./operator-family.ts";

/** Rows of one family that are interpolated together. */
export interface TableRows {
  readonly family: OperatorFamily<OperatorQuery>;
  /** What the table holds alone, such as `bf16`. */
  readonly name: string;
  readonly rows: MeasuredOperator[];
}

/** Rows by family and table, in the order they first occur; those without a family are left out. */
export function rowsByTable(rows: Iterable<MeasuredOperator>): TableRows[] {
  const tables = new Map<string, TableRows>();
  for (const row of rows) {
    const family = familyOf(row.query);
    if (family === undefined) continue;
    const name = family.table(row.query);
    const key = `${family.name}: ${name}`;
    const table = tables.get(key) ?? { family, name, rows: [] };
    table.rows.push(row);
    tables.set(key, table);
  }
  return [...tables.values()];
}
