import { HeddleError } from "../../base/heddle-error.ts";
import type { Result } from "../../base/result.ts";
import type { ExplainedCost } from "../../cost/iteration/iteration-cost-of.ts";
import { type IterationFault, iterationError } from "../../cost/iteration/iteration-fault.ts";
import { measuredOperators } from "../../execute/calibrate/kit/operator-store.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import { readArchitecture } from "../../graph/architecture/config/read-architecture.ts";
import type { Pool } from "../../plan/deployment/deployment.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { encodesElsewhere } from "../../simulate/deployment/pool-encoder.ts";
import { iterationsCost, type PricedPool, pricePool } from "../../simulate/deployment/price-pool.ts";
import { readNetwork } from "../../simulate/fabric/read-fabric.ts";
import type { SweepPoint } from "../../simulate/sweep/sweep-point.ts";
import { architectureNamed, fabricPlaces } from "../deployment/open-deployment.ts";
import { operatorsFrom } from "../deployment/operators-of.ts";
import type { SweepJob } from "./sweep-job.ts";

/** Costs of iterations that are kept: points that differ in rates, limits or numbers of replicas share one. */
const KEPT_COSTS = 64;

/** What each device is priced by that tables were imported of. */
export function measuredSources(sheets: Readonly<Record<string, DeviceSheet>>): Readonly<Record<string, string>> {
  const found = Object.entries(sheets).map(([device, sheet]) => [device, measuredOperators(sheet)?.source] as const);
  return Object.fromEntries(found.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
}

/**
 * Prices the pools of points by the job's operators; imported tables are scaled by physics where a point changes a device's figures.
 *
 * Errors: `no-basis` where this host has other tables than the sweep was begun with; of points those of `pricePool`.
 */
export function poolPricer(
  job: SweepJob,
  sheetOf: (device: string) => DeviceSheet,
): (point: SweepPoint) => { readonly architecture: SequenceModel; readonly pools: readonly PricedPool[] } {
  const here = measuredSources(job.sheets);
  if (job.operators === "measured" && JSON.stringify(here) !== JSON.stringify(job.measured)) {
    const detail = `this host has ${JSON.stringify(here)} imported, the sweep was begun with ${JSON.stringify(job.measured)}`;
    throw new HeddleError("no-basis", { where: "tables of operators", detail });
  }
  const costs = new Map<string, Result<ExplainedCost, IterationFault>>();
  const operatorsOf = operatorsFrom(job.operators);
  const own = job.config === undefined ? undefined : readArchitecture(JSON.stringify(job.config));
  const network = job.fabric === undefined ? undefined : readNetwork(job.fabric);
  return ({ deployment, sheets }) => {
    const { model } = deployment;
    const architecture = own?.kind === "sequence" && model === job.deployment.model ? own : architectureNamed(model, ".");
    const partsOf = (device: string) => {
      const own = sheets.get(device)!;
      const operators = operatorsOf(sheetOf(device), own);
      return { sheet: own, ...(operators === undefined ? {} : { operators }) };
    };
    const sheeted = deployment.pools.map((pool) => {
      const ffn = pool.ffn === undefined ? {} : { ffn: partsOf(pool.ffn.device) };
      return { pool, sheet: sheets.get(pool.device)!, ...ffn };
    });
    if (deployment.fabric !== undefined && deployment.fabric !== job.deployment.fabric)
      throw new HeddleError("deployment-invalid", {
        where: "fabric",
        detail: "a sweep takes the fabric of its deployment, or none (null)",
      });
    const fabrics = fabricPlaces(deployment.fabric === undefined ? undefined : network, sheeted);
    const pools = sheeted.map(({ pool, sheet, ...ffn }, index) => {
      const parts = { architecture, ...partsOf(pool.device), ...ffn, ...fabrics?.[index], imagesApart: encodesElsewhere(pool, deployment) };
      const cost = remembered(
        costs,
        `${costKey(model, pool, [sheet, ffn.ffn?.sheet])} ${fabrics === undefined ? "" : JSON.stringify([index, fabrics[index]!.fabric.pools])}`,
        () => iterationsCost(pool, parts),
      );
      const priced = cost.ok ? pricePool(pool, index, { ...parts, cost: cost.value }) : cost;
      if (!priced.ok) throw iterationError(priced.error, `pool ${pool.name}`);
      return priced.value;
    });
    return { architecture, pools };
  };
}

/** What the cost of a pool's iterations depends on. */
function costKey(
  model: string,
  { role, parallel, precision, engine, speculation, lora, ffn, encoder }: Pool,
  sheets: readonly (DeviceSheet | undefined)[],
): string {
  return JSON.stringify([model, role === "encode", parallel, precision, engine.name, speculation, lora, ffn, encoder?.parallel, sheets]);
}

function remembered<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key);
  if (found !== undefined) return found;
  if (known.size >= KEPT_COSTS) known.delete(known.keys().next().value!);
  const made = make();
  known.set(key, made);
  return made;
}
