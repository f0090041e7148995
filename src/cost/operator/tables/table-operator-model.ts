import { exp } from "../../../base/math.ts";
import { err, ok, type Result } from "../../../base/result.ts";
import type { DeviceSheet } from "../../../rack/catalog/device-sheet.ts";
import type { Basis } from "../../estimate.ts";
import type { Priced } from "../../priced.ts";
import type { MeasuredTable } from "../measured-table.ts";
import type { NoOperatorBasis, OperatorModel } from "../operator-model.ts";
import type { OperatorQuery, PrefillAttentionQuery } from "../operator-query.ts";
import { operatorWork } from "../operator-work.ts";
import { type FilteredTable, plausibleRows } from "../plausible-rows.ts";
import { CACHED_CONTEXT_HALF_WIDTH, cachedContextNs, longestRate } from "./cached-context.ts";
import { type DeviceRates, deviceRates } from "./device-rates.ts";
import { familyOf } from "./families.ts";
import type { OperatorFamily } from "./operator-family.ts";
import { fitOperatorTable, type OperatorTable, SITE_OCTAVES_MAX } from "./operator-table.ts";
import { rowsByTable } from "./rows-by-table.ts";
import { halfWidthAt, isPlace, logAt, octavesOutside, type SiteCurve } from "./site-curve.ts";
import { spoiltTables } from "./spoilt-tables.ts";
import { plainQuery, type StandIn, standInsOf } from "./stand-ins.ts";

/** Octaves beyond the measured part of a curve at which a table says nothing any more. */
const AXIS_OCTAVES_MAX = 4;

/** What a table model was made of. */
export interface TableOperatorModel extends OperatorModel {
  /** What the plausibility filter left out, table by table. */
  readonly filtered: readonly FilteredTable[];
}

/**
 * Prices operators of one device from measured tables.
 *
 * Model: logarithm of measured over rough time, along the curve of a measured shape or one predicted from the shapes near it (`surface.ts`), times the
 * rough time of the query. A table with many impossible rows is not used at all, and no price is below the time at the device's peak. Intervals come from groups left out; they widen with the distance from what was measured, until there is no basis.
 * Complexity: a table is fitted when it is first asked for (0.1 to 0.3 s), a new shape costs 0.1 to 0.3 ms, any other query about a microsecond.
 */
export function tableOperatorModel(sheet: DeviceSheet, measured: readonly MeasuredTable[]): TableOperatorModel {
  const filtered = measured.map((table) => plausibleRows(table, sheet));
  const rates = deviceRates(sheet);
  const parts = new Map(rowsByTable(rowsOf(filtered)).map((part) => [`${part.family.name}: ${part.name}`, part]));
  const spoilt = spoiltTables(measured, filtered);
  const fitted = new Map<string, OperatorTable>();
  const tableFor = (key: string): OperatorTable | undefined => {
    const known = fitted.get(key);
    if (known !== undefined) return known;
    const part = parts.get(key);
    if (part === undefined) return undefined;
    const table = fitOperatorTable(part.family, part.rows, rates);
    fitted.set(key, table);
    return table;
  };
  const engines = [...new Set(measured.map(({ engine }) => engine))].join(", ");
  return {
    source: `measured tables of ${sheet.name} (${engines})`,
    filtered,
    price(query): Result<Priced, NoOperatorBasis> {
      const family = familyOf(query);
      if (family === undefined) return err({ code: "no-basis", missing: `a table of ${query.op}` });
      const plain = plainQuery(query);
      const key = `${family.name}: ${family.table(plain)}`;
      const fault = spoilt.get(key);
      if (fault !== undefined) return err({ code: "no-basis", missing: fault });
      const table = tableFor(key);
      if (table !== undefined) return priceFrom({ table, family, rates }, plain, { query: plain, halfWidth: 0 });
      for (const standIn of standInsOf(plain)) {
        const otherKey = `${family.name}: ${family.table(standIn.query)}`;
        const other = spoilt.has(otherKey) ? undefined : tableFor(otherKey);
        if (other !== undefined) return priceFrom({ table: other, family, rates }, plain, standIn);
      }
      return err({ code: "no-basis", missing: `a table of ${family.name} for ${family.table(query)}` });
    },
  };
}

interface FittedTable {
  readonly table: OperatorTable;
  readonly family: OperatorFamily<OperatorQuery>;
  readonly rates: DeviceRates;
}

/** The rough time of the query times what the stand-in's curve says of it. */
function priceFrom({ table, family, rates }: FittedTable, query: OperatorQuery, standIn: StandIn): Result<Priced, NoOperatorBasis> {
  const curve = table.curveOf(standIn.query);
  if (curve === undefined) {
    return err({ code: "no-basis", missing: `a measured ${family.name} within ${SITE_OCTAVES_MAX} octaves of ${family.site(query)}` });
  }
  const x = family.axis(standIn.query);
  const out = octavesOutside(curve, x);
  if (out > AXIS_OCTAVES_MAX) {
    return err({ code: "no-basis", missing: `a measured ${family.name} within ${AXIS_OCTAVES_MAX} octaves of this length` });
  }
  const cached = query.op === "prefill-attention" && query.context > 0;
  let ns = family.baseNs(cached ? { ...query, context: 0 } : query, rates) * exp(logAt(curve, x));
  let halfWidth = halfWidthAt(curve, table.errors, table.axis, x) + standIn.halfWidth;
  if (cached) {
    ns += cachedContextNs(query, rates, longestRate(curve, standIn.query as PrefillAttentionQuery, rates));
    halfWidth += CACHED_CONTEXT_HALF_WIDTH;
  }
  // Nothing is faster than the device's peak, whatever its neighbours were measured at.
  const work = operatorWork(query);
  if (work !== undefined) ns = Math.max(ns, work.ops / rates.opsPerNs[work.type]);
  return ok({ ns, spread: exp(halfWidth) - 1, basis: basisOf(curve, x, out, cached || standIn.halfWidth > 0) });
}

function* rowsOf(filtered: readonly FilteredTable[]): Generator<MeasuredTable["rows"][number]> {
  for (const { table } of filtered) yield* table.rows;
}

function basisOf(curve: SiteCurve, x: number, octavesOut: number, standIn: boolean): Basis {
  if (standIn || octavesOut > 0 || curve.outside) return "extrapolated";
  return curve.measured && isPlace(curve.axis, x) ? "measured" : "interpolated";
}
