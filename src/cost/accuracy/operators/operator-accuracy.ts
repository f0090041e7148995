import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { MeasuredTable } from "../../operator/measured-table.ts";
import { plausibleRows } from "../../operator/plausible-rows.ts";
import { deviceRates } from "../../operator/tables/device-rates.ts";
import { rowsByTable, type TableRows } from "../../operator/tables/rows-by-table.ts";
import type { AccuracyRow } from "../accuracy-row.ts";
import { errorFigures, type PredictedMeasured } from "../error-summary.ts";
import { heldOutPoints, prepareTable } from "./held-out-operators.ts";
import { HOLD_OUTS, type HoldOut } from "./protocols.ts";

/** Measured operators of one device and engine, with what the device can do at most. */
export interface OperatorMeasurements {
  readonly dataSet: string;
  readonly sheet: DeviceSheet;
  /** Software with its version, as reports shall name it. */
  readonly engine: string;
  readonly tables: readonly MeasuredTable[];
}

/** Best published figures, median and p90. Source: ai-dynamo/aiconfigurator, docs/design/perf_interp_design.md, section 4: leave one out. */
const PUBLISHED: Readonly<Record<string, string>> = {
  product: "3.6 % median, 14.7 % p90 (aiconfigurator, one shape out)",
  "prefill-attention": "2.0 % median, 9.7 % p90 (aiconfigurator, one point out)",
  "decode-attention": "1.1 % median (aiconfigurator, one point out)",
  "latent-attention prefill": "2.2 % median, 10 % p90 (aiconfigurator, one point out)",
  "latent-attention decode": "2.2 % median, 10 % p90 (aiconfigurator, one point out)",
};

/**
 * How well operators of shapes that were not measured are predicted from those that were: one row a family (products: a type) and protocol, every point
 * predicted by a fit that saw nothing of its group.
 */
export function operatorAccuracy(measurements: OperatorMeasurements): AccuracyRow[] {
  const { sheet } = measurements;
  const rates = deviceRates(sheet);
  const cells = new Map<string, Cell>();
  for (const measured of measurements.tables) {
    const { table, counts } = plausibleRows(measured, sheet);
    const counted = new Set<Cell>();
    for (const part of rowsByTable(table.rows)) {
      const prepared = prepareTable(part, rates);
      for (const protocol of HOLD_OUTS[part.family.name] ?? []) {
        const name = `${cellOf(part)}${protocol.label}`;
        const cell = cells.get(name) ?? { points: [], excluded: {}, family: part.family.name, protocol };
        cells.set(name, cell);
        // A file's faults stand at the first cell of each protocol that it fills.
        if (![...counted].some((other) => other.protocol === protocol)) add(cell.excluded, counts);
        counted.add(cell);
        const points = heldOutPoints(prepared, protocol);
        if (points.length === 0) add(cell.excluded, { "too few groups": part.rows.length });
        cell.points.push(...points);
      }
    }
  }
  return [...cells].map(([name, { points, excluded, family, protocol }]) => ({
    dataSet: measurements.dataSet,
    protocol: `${protocol.held} held out, ${protocol.folds} folds by hash`,
    family: name,
    device: sheet.id,
    engine: measurements.engine,
    excluded,
    ...errorFigures(points),
    ...(PUBLISHED[family] === undefined || protocol.label !== "" ? {} : { published: PUBLISHED[family] }),
  }));
}

interface Cell {
  readonly points: PredictedMeasured[];
  readonly excluded: Record<string, number>;
  readonly family: string;
  readonly protocol: HoldOut;
}

function cellOf({ family, name }: TableRows): string {
  return family.name === "product" ? `product ${name}` : family.name;
}

function add(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [reason, count] of Object.entries(counts)) if (count > 0) sums[reason] = (sums[reason] ?? 0) + count;
}
