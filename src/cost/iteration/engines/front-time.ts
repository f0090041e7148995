import type { EngineName } from "./engine-of.ts";
import { FITTED_ENGINES } from "./fitted-engines.ts";

/** Where times of requests are taken: at the engine, from when it has a request, or at a client, who waits for the engine's front end besides. */
export type MeasuredAt = "engine" | "client";

/** What a client waits for an engine's front end: HTTP, tokenising, and the way back of the first token. Units: ns. */
export interface FrontTime {
  readonly ns: number;
  /** Added for each request of the replica that is in flight, this one included. */
  readonly nsInFlight: number;
  /** Relative half-width of the 90 % interval: value / (1 + spread) to value x (1 + spread). */
  readonly spread: number;
  readonly source: string;
}

/**
 * What a measured TTFT leaves beside the simulated engine, over the fitted front end, scatters as widely as this.
 *
 * Source: aiconfigurator-silicon, whole groups held out, 1,057 stated rows without compiling: drawn apart from the intervals of the engine's first tokens
 * (`served-intervals.ts`), a factor of 3 holds 91 % of all and 94 % of the 453 in which the front end is at least a third of the TTFT; 2.5 holds 90 and
 * 92 %, 4 holds 94 and 96 %. Chosen on these rows.
 */
const FRONT_SPREAD = 2;
const SOURCE = "fitted with its engine on closed loops of aiconfigurator-silicon";

/** Front end of an engine that serves a mixture of experts or another model; undefined where none was fitted: heddle's own is measured with the host that serves. */
export function frontTimeOf(engine: EngineName, { mixture }: { readonly mixture: boolean }): FrontTime | undefined {
  if (engine === "heddle") return undefined;
  const { frontNs, frontClientNs, frontMixtureNs } = FITTED_ENGINES[engine];
  return { ns: frontNs + (mixture ? frontMixtureNs : 0), nsInFlight: frontClientNs, spread: FRONT_SPREAD, source: SOURCE };
}
