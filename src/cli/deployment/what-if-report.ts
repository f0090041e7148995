import type { Basis } from "../../cost/estimate.ts";
import type { MeasuredAt } from "../../cost/iteration/engines/front-time.ts";
import type { Change } from "../../plan/deployment/change.ts";
import type { FilledDefault } from "../../plan/deployment/deployment-file.ts";
import type { DeploymentRun } from "../../simulate/deployment/deployment-run.ts";
import type { RunFigures } from "../../simulate/deployment/run-figures.ts";
import { type WhatIfRow, whatIfRows } from "../../simulate/deployment/what-if.ts";
import { type MeasuredColumns, measuredFigures } from "../../simulate/imported/measured-columns.ts";
import { type MeasuredAtReport, measuredAtReport } from "./measured-at.ts";

/** What `heddle what-if` says; one JSON document with `--json`. */
export interface WhatIfReport {
  readonly version: 1;
  readonly source: string;
  readonly changes: readonly Change[];
  readonly notes: readonly string[];
  readonly defaults: readonly FilledDefault[];
  /** What the change brought in, or changes the devices of. */
  readonly changedDefaults: readonly FilledDefault[];
  readonly workload: { readonly source: string; readonly requests: number };
  readonly runs: number;
  readonly seed: number;
  readonly clock?: MeasuredColumns["clock"];
  /** Where simulated TTFT and end to end are taken, as they run and after the change; where a log has measured, that is where it did. */
  readonly measuredAt: MeasuredAtReport;
  readonly growing: { readonly before: boolean; readonly after: boolean };
  /** What the prices of pools rest on. */
  readonly pools: readonly {
    readonly when: "before" | "after";
    readonly name: string;
    readonly device: string;
    readonly basis: Basis;
    readonly spread: number;
    readonly source: string;
  }[];
  readonly rows: readonly WhatIfRow[];
}

export interface WhatIfParts {
  readonly source: string;
  readonly changes: readonly Change[];
  readonly notes: readonly string[];
  readonly defaults: readonly FilledDefault[];
  /** What the change brought in, or changes the devices of. */
  readonly changedDefaults: readonly FilledDefault[];
  readonly workload: string;
  readonly seed: number;
  readonly measured: MeasuredColumns | undefined;
  readonly measuredAt: MeasuredAt;
  readonly before: { readonly run: DeploymentRun; readonly figures: readonly RunFigures[] };
  readonly after: { readonly run: DeploymentRun; readonly figures: readonly RunFigures[] };
}

export function whatIfReport(parts: WhatIfParts): WhatIfReport {
  const { before, after, measured } = parts;
  const { requests } = before.run;
  const poolsOf = ({ run }: WhatIfParts["before"], when: "before" | "after") =>
    run.pools.map(({ pool, sheet, cost }) => ({
      when,
      name: pool.name,
      device: sheet.name,
      basis: cost.basis,
      spread: cost.spread,
      source: cost.source,
    }));
  return {
    version: 1,
    source: parts.source,
    changes: parts.changes,
    notes: parts.notes,
    defaults: parts.defaults,
    changedDefaults: parts.changedDefaults,
    workload: { source: parts.workload, requests: requests.count },
    runs: before.figures.length,
    seed: parts.seed,
    ...(measured === undefined ? {} : { clock: measured.clock }),
    measuredAt: measuredAtReport([before.run, after.run], parts.measuredAt),
    growing: { before: before.figures[0]!.growing, after: after.figures[0]!.growing },
    pools: [...poolsOf(before, "before"), ...poolsOf(after, "after")],
    rows: whatIfRows(before.figures, after.figures, measured === undefined ? undefined : measuredFigures(requests, measured)),
  };
}
