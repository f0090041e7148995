import type { AccuracyRow } from "../../cost/accuracy/accuracy-row.ts";
import { operatorAccuracy } from "../../cost/accuracy/operators/operator-accuracy.ts";
import { OPERATOR_TABLES, readOperatorTable } from "../../cost/import/aiconfigurator/read-operator-table.ts";
import type { MeasuredTable } from "../../cost/operator/measured-table.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import type { AccuracyPart } from "./accuracy-part.ts";
import type { DataFolder } from "./data-folder.ts";

const FOLDER = "aiconfigurator-ops";
/** Folders of systems, and the devices they are of. */
const SYSTEMS = [
  ["a100_sxm", "a100-sxm"],
  ["h100_sxm", "h100-sxm"],
  ["h200_sxm", "h200-sxm"],
  ["b200_sxm", "b200-sxm"],
] as const;

/** Operators of shapes that a device's table does not hold. */
export const OPERATORS: AccuracyPart = {
  id: "operators",
  title: "Operators of shapes that were not measured, from tables of the same device",
  needs: FOLDER,
  beside: ["aic-product", "aic-attention"],
  rows: async (data) => {
    const rows: AccuracyRow[] = [];
    for (const [system, device] of SYSTEMS) {
      const tables = (await tablesBelow(data, `${FOLDER}/${system}`)).filter(({ file }) => !file.includes("/comm/"));
      const engine = tables.find((table) => table.engine !== "")?.engine ?? "";
      rows.push(...operatorAccuracy({ dataSet: FOLDER, sheet: deviceSheet(device), engine, tables }));
    }
    return rows;
  },
};

/** Every table of operators below a folder. */
export async function tablesBelow(data: DataFolder, folder: string): Promise<MeasuredTable[]> {
  const tables: MeasuredTable[] = [];
  for (const file of data.files(folder)) {
    if (OPERATOR_TABLES.some((name) => file.endsWith(`/${name}`) || file.endsWith(`/${name}.parquet`))) {
      tables.push(await readOperatorTable(data.bytes(file), file));
    }
  }
  return tables;
}
