import { formatNs } from "../../base/duration.ts";
import { hasExperts } from "../../cost/iteration/decoder-blocks.ts";
import type { EngineName } from "../../cost/iteration/engines/engine-of.ts";
import { type FrontTime, frontTimeOf, type MeasuredAt } from "../../cost/iteration/engines/front-time.ts";
import type { SequenceModel } from "../../graph/architecture/architecture.ts";
import type { Deployment } from "../../plan/deployment/deployment.ts";

/** Where TTFT and end to end of a report are taken, and by what engines' front ends they are known. */
export interface MeasuredAtReport {
  readonly at: MeasuredAt;
  /** Of each engine that takes requests and has a fitted one: part of the times at the client, left out at the engine. */
  readonly fronts: readonly (FrontTime & { readonly engine: EngineName })[];
}

/** A fleet and the model it serves. */
export interface FrontedFleet {
  readonly deployment: Deployment;
  readonly architecture: SequenceModel;
}

export function measuredAtReport(runs: readonly FrontedFleet[], at: MeasuredAt): MeasuredAtReport {
  const fronts = new Map<string, MeasuredAtReport["fronts"][number]>();
  for (const { deployment, architecture } of runs) {
    const of = { mixture: hasExperts(architecture) };
    for (const { role, engine } of deployment.pools) {
      const front = role === "decode" ? undefined : frontTimeOf(engine.name, of);
      if (front !== undefined) fronts.set(`${engine.name} ${front.ns}`, { engine: engine.name, ...front });
    }
  }
  return { at, fronts: [...fronts.values()] };
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
