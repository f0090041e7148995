import type { Route } from "./evaluate.ts";
import { type FlowScorer, flowOf, routesIn } from "./placement-flow.ts";
import { type Placement, rateOf } from "./problem.ts";
import { type ServingModel, type ServingScore, SHARE_ROUNDING, scoreServing } from "./serving.ts";

/** A flow that a placement can serve, with the routes that show it. */
export interface ServedFlow {
  readonly routes: readonly Route[];
  readonly score: ServingScore;
}

/** How long to look for a larger flow through one placement. */
export interface ServeEffort {
  /** Times that full machines are left as they are and the rest is sent round them. */
  readonly rounds: number;
  /** Halvings of the range in which the scale of a flow lies. */
  readonly halvings: number;
}

/** For the placement that is answered, and for those a search passes through. */
export const THOROUGH: ServeEffort = { rounds: 8, halvings: 24 };
export const QUICK: ServeEffort = { rounds: 2, halvings: 7 };

/** A machine that is used as much as this is the one that stops a flow. */
const FULL = 0.97;

/**
 * A large flow through a placement at which no machine holds more KV, or works longer, than it can; `undefined` where nothing flows.
 *
 * Model: the largest flow first, scaled down until it fits. Machines that are full then get what they pass as a limit, and the rest is sent round them, as
 * long as that adds something. A lower bound of what the placement can serve.
 */
export function servedFlow(
  scorer: FlowScorer,
  serving: ServingModel,
  { placement, effort }: { readonly placement: Placement; readonly effort: ServeEffort },
): ServedFlow | undefined {
  const { problem } = scorer;
  const limits = Float64Array.from(problem.machines, (_kind, i) => rateOf(problem, i, placement.count[i]!));
  let best: ServedFlow | undefined;
  for (let round = 0; round < effort.rounds; round++) {
    if (flowOf(scorer, placement, limits) <= (best?.score.tokensPerSec ?? 0) * (1 + SHARE_ROUNDING)) break;
    const scaled = scaledToFit(scorer, serving, { placement, routes: routesIn(scorer), halvings: effort.halvings });
    if (scaled === undefined) break;
    if (scaled.score.tokensPerSec > (best?.score.tokensPerSec ?? 0)) best = scaled;
    const through = new Float64Array(limits.length);
    for (const { to, flow } of scaled.routes) if (to < through.length) through[to] = through[to]! + flow;
    scaled.score.shares.forEach((share, i) => {
      if (share >= FULL) limits[i] = through[i]!;
    });
  }
  return best;
}

/** The largest part of a flow that is found to fit. */
function scaledToFit(
  { problem }: FlowScorer,
  serving: ServingModel,
  { placement, routes, halvings }: { readonly placement: Placement; readonly routes: readonly Route[]; readonly halvings: number },
): ServedFlow | undefined {
  const at = (scale: number): ServedFlow => {
    const parts = routes.map((route) => ({ ...route, flow: route.flow * scale }));
    return { routes: parts, score: scoreServing(problem, serving, { placement, routes: parts }) };
  };
  const fits = ({ score }: ServedFlow): boolean => score.shares.every((share) => share <= 1 + SHARE_ROUNDING);
  const whole = at(1);
  if (fits(whole)) return whole;
  let best: ServedFlow | undefined;
  let [low, high] = [0, 1];
  for (let i = 0; i < halvings; i++) {
    const middle = (low + high) / 2;
    const part = at(middle);
    if (fits(part)) {
      low = middle;
      best = part;
    } else {
      high = middle;
    }
  }
  return best;
}
