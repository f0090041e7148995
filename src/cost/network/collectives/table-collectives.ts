import { err, ok, type Result } from "../../../base/result.ts";
import type { MeasuredTable } from "../../operator/measured-table.ts";
import type { NoOperatorBasis, OperatorModel } from "../../operator/operator-model.ts";
import type { CollectiveKind, OperatorQuery } from "../../operator/operator-query.ts";
import { type Priced, quadrature } from "../../priced.ts";
import type { CurvePoint } from "./collective-curve.ts";
import { malformedCollective } from "./collective-problem.ts";
import { collectiveSamples } from "./collective-samples.ts";
import { type CurveReading, residualReader } from "./curve-residuals.ts";
import { fitCurve } from "./fit-curve.ts";
import type { CollectiveLibrary } from "./network-figures.ts";
import { readingSpread } from "./reading-spread.ts";
import { startCurve } from "./start-curves.ts";

export interface TableCollectivesOptions {
  /** System and library, for reports. */
  readonly source: string;
  readonly library: CollectiveLibrary;
  /** Data-sheet rate of all links of a device, one direction. Units: bytes/s. */
  readonly linkBytesPerSecond: number;
  readonly reducesInSwitch: boolean;
  /** The tables are of another machine of the kind: a run of one and the same collective differs by 5 to 10 % between two. */
  readonly otherMachine?: boolean;
  /** Which implementations and element types count; absent: all but eager launches and int8, which are measured beside graphs and half precision. */
  readonly variant?: (name: string) => boolean;
}

/**
 * Prices collectives inside one node from measured tables: a curve of the library's ways fitted on them, corrected by the samples around.
 *
 * Errors: `no-basis` for kinds that no table has, for groups over several nodes, for other operators.
 */
export function tableCollectives(tables: readonly MeasuredTable[], options: TableCollectivesOptions): OperatorModel {
  const readers = new Map<CollectiveKind, (point: CurvePoint) => CurveReading>();
  const linkRate = options.linkBytesPerSecond / 1e9;
  const taken = options.variant ?? usual;
  const kept = tables.map((table) => ({
    ...table,
    rows: table.rows.filter(({ variant = "" }) => taken(variant)).map(({ variant: _, ...row }) => row),
  }));
  for (const { kind, samples } of collectiveSamples(kept)) {
    const curve = fitCurve([{ samples, linkRate }], startCurve(options.library, kind, options.reducesInSwitch));
    readers.set(kind, residualReader(samples, curve, linkRate));
  }
  return {
    source: options.source,
    price(query: OperatorQuery): Result<Priced, NoOperatorBasis> {
      if (query.op !== "collective") return err({ code: "no-basis", missing: `${query.op} in the tables of ${options.source}` });
      const malformed = malformedCollective(query);
      if (malformed !== undefined) return err({ code: "no-basis", missing: malformed });
      if (query.ranks === 1 || query.bytes === 0) return ok({ ns: 0, spread: 0, basis: "measured" });
      const reader = readers.get(query.kind);
      if (reader === undefined) return err({ code: "no-basis", missing: `${query.kind} in the tables of ${options.source}` });
      if (query.ranks > query.ranksPerNode)
        return err({ code: "no-basis", missing: `${query.kind} over several nodes in the tables of ${options.source}` });
      const { ns, place } = reader(query);
      const { spread, basis } = readingSpread(place);
      return ok({ ns, spread: quadrature(spread, options.otherMachine === true ? OTHER_MACHINE : 0), basis });
    },
  };
}

/** Relative half-width. Source: 8 H100 of two operators (aiconfigurator's NCCL 2.29 table, NVIDIA/dgxc-benchmarking): median 5.1 %, p90 9.5 % apart. */
const OTHER_MACHINE = 0.1;

function usual(name: string): boolean {
  return !/eager|int8/.test(name);
}
