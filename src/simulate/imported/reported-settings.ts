import { HeddleError } from "../../base/heddle-error.ts";
import { knownModelName } from "../../graph/architecture/known/known-architecture.ts";
import type { Deployment } from "../../plan/deployment/deployment.ts";
import type { ReadDeployment } from "../../plan/deployment/deployment-file.ts";
import type { EngineMetrics } from "./engine-metrics.ts";

/** A deployment with what its engine reports in place of defaults; `settings`: each as `field = value`. */
export interface ReportedDeployment {
  readonly read: ReadDeployment;
  readonly settings: readonly string[];
}

/** Settings that the engine itself reports; a file that says otherwise is wrong. Errors: `deployment-invalid` naming the field, `usage` where there are several pools. */
export function withReported(read: ReadDeployment, metrics: EngineMetrics): ReportedDeployment {
  const { kvType, settings } = metrics;
  const reported: readonly (readonly [string, unknown])[] = [
    ...Object.entries(settings).map(([field, value]) => [`engine.${field}`, value] as const),
    ...(kvType === undefined ? [] : [["precision.kv", kvType] as const]),
  ];
  if (reported.length === 0) return { read, settings: [] };
  const [pool] = read.deployment.pools;
  if (pool === undefined || read.deployment.pools.length > 1) {
    throw new HeddleError("usage", {
      where: "--metrics",
      detail: "one scrape says nothing of which pool it is of; give it with a deployment of one pool",
    });
  }
  const filled = new Set(read.defaults.map(({ field }) => field));
  const stated = new Map<string, unknown>([
    ...Object.entries(pool.engine).map(([field, value]) => [`engine.${field}`, value] as const),
    ["precision.kv", pool.precision.kv],
  ]);
  for (const [field, value] of reported) {
    const said = stated.get(field);
    if (said === undefined || said === value || filled.has(`pools.0.${field}`)) continue;
    throw new HeddleError("deployment-invalid", { where: `pools.0.${field}`, detail: `is ${said}, but the engine reports ${value}` });
  }
  const own = { ...pool, engine: { ...pool.engine, ...settings }, precision: { ...pool.precision, ...(kvType && { kv: kvType }) } };
  const named = new Set(reported.map(([field]) => `pools.0.${field}`));
  return {
    read: { deployment: { ...read.deployment, pools: [own] }, defaults: read.defaults.filter(({ field }) => !named.has(field)) },
    settings: reported.map(([field, value]) => `pools.0.${field} = ${value}`),
  };
}

/** Names under which something else was served than the deployment says. Names that the catalogue does not know, as of adapters, say nothing. Errors: `deployment-invalid`. */
export function checkServedModel({ model }: Deployment, served: readonly string[], where: string): void {
  const own = knownModelName(model);
  const others = served.flatMap((name) => knownModelName(name) ?? []);
  if (own === undefined || others.length === 0 || others.includes(own)) return;
  throw new HeddleError("deployment-invalid", { where: "model", detail: `is ${model}, but ${where} is of ${served[0]}` });
}
