import type { Basis } from "../../cost/estimate.ts";
import { frontTimeNs } from "../../cost/iteration/engines/engine-constants.ts";
import type { EngineName } from "../../cost/iteration/engines/engine-of.ts";
import { FITTED_ENGINES } from "../../cost/iteration/engines/fitted-engines.ts";
import type { Change } from "../../plan/deployment/change.ts";
import type { FilledDefault } from "../../plan/deployment/deployment-file.ts";
import type { DeploymentRun } from "../../simulate/deployment/deployment-run.ts";
import type { RunFigures } from "../../simulate/deployment/run-figures.ts";
import { type WhatIfRow, whatIfRows } from "../../simulate/deployment/what-if.ts";
import { type MeasuredColumns, measuredFigures } from "../../simulate/imported/measured-columns.ts";

/** What `heddle what-if` says; one JSON document with `--json`. */
export interface WhatIfReport {
  readonly version: 1;
  readonly source: string;
  readonly changes: readonly Change[];
  readonly notes: readonly string[];
  readonly defaults: readonly FilledDefault[];
  readonly workload: { readonly source: string; readonly requests: number };
  readonly runs: number;
  readonly seed: number;
  readonly clock?: MeasuredColumns["clock"];
  /** Added to simulated TTFT and end to end where a client measured: the engine's front end. Units: ns. */
  readonly frontNs: number;
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
  readonly workload: string;
  readonly seed: number;
  readonly measured: MeasuredColumns | undefined;
  readonly before: { readonly run: DeploymentRun; readonly figures: readonly RunFigures[] };
  readonly after: { readonly run: DeploymentRun; readonly figures: readonly RunFigures[] };
}

export function whatIfReport(parts: WhatIfParts): WhatIfReport {
  const { before, after, measured } = parts;
  const { requests } = before.run;
  // A client waits for the front end that it speaks to: of the first pool.
  const frontNs = measured?.clock === "client" ? frontOf(before.run.pools[0]!.pool.engine.name) : 0;
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
    workload: { source: parts.workload, requests: requests.count },
    runs: before.figures.length,
    seed: parts.seed,
    ...(measured === undefined ? {} : { clock: measured.clock }),
    frontNs,
    growing: { before: before.figures[0]!.growing, after: after.figures[0]!.growing },
    pools: [...poolsOf(before, "before"), ...poolsOf(after, "after")],
    rows: whatIfRows(
      before.figures,
      after.figures,
      measured === undefined ? undefined : { figures: measuredFigures(requests, measured), frontNs },
    ),
  };
}

/** Front end of one client: those that come together wait longer, and a log does not say which did. Units: ns. */
function frontOf(engine: EngineName): number {
  return engine === "heddle" ? 0 : frontTimeNs(FITTED_ENGINES[engine], 1);
}
