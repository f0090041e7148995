import { formatNs } from "../../base/duration.ts";
import type { EngineName } from "../../cost/iteration/engines/engine-of.ts";
import { type FrontTime, frontTimeOf, type MeasuredAt } from "../../cost/iteration/engines/front-time.ts";
import type { Deployment } from "../../plan/deployment/deployment.ts";

/** Where TTFT and end to end of a report are taken, and by what engines' front ends they are known. */
export interface MeasuredAtReport {
  readonly at: MeasuredAt;
  /** Of each engine that takes requests and has a fitted one: part of the times at the client, left out at the engine. */
  readonly fronts: readonly (FrontTime & { readonly engine: EngineName })[];
}

export function measuredAtReport(deployments: readonly Deployment[], at: MeasuredAt): MeasuredAtReport {
  const taking = deployments.flatMap(({ pools }) => pools.filter(({ role }) => role !== "decode"));
  const engines = [...new Set(taking.map(({ engine }) => engine.name))];
  const fronts = engines.flatMap((engine) => {
    const front = frontTimeOf(engine);
    return front === undefined ? [] : [{ engine, ...front }];
  });
  return { at, fronts };
}

/** One line for people. */
export function measuredAtText({ at, fronts }: MeasuredAtReport, times = "TTFT and end to end"): string {
  if (fronts.length === 0) return `${times}: at the engine; no time of a front end (HTTP, tokenising) was fitted.`;
  const waits = fronts
    .map(({ engine, ns, nsInFlight }) => `${engine}'s ${formatNs(ns)} + ${formatNs(nsInFlight)} a request in flight at its replica`)
    .join(", ");
  if (at === "engine") return `${times}: at the engine; a client waits for its front end (HTTP, tokenising) besides: ${waits}.`;
  const { spread, source } = fronts[0]!;
  return `${times}: at the client, with the engine's front end (HTTP, tokenising): ${waits}; ${source}, 90 % within a factor of ${1 + spread}.`;
}
