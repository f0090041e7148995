import { assert, must } from "../../base/assert.ts";
import { evaluatePlacement } from "./evaluate.ts";
import { layerBound } from "./layer-bound.ts";
import { placeLayers } from "./place-layers.ts";
import { flowScorer } from "./placement-flow.ts";
import { checkLayerFlow, type LayerFlowProblem, type Placement } from "./problem.ts";
import { type Found, type LayerFlowOptions, searchPlacements } from "./search.ts";
import { QUICK, type ServedFlow, servedFlow, THOROUGH } from "./serve-placement.ts";
import { type ServingModel, SHARE_ROUNDING, timedProblem } from "./serving.ts";

export interface ServingPlan {
  readonly placement: Placement;
  /** Tokens a second that can be served, and the routes and latencies that go with them; `undefined` where no placement that serves any was found. */
  readonly served: ServedFlow | undefined;
  readonly value: number;
  /** Tokens a second that no placement serves more than. */
  readonly bound: number;
  readonly gap: number;
  readonly method: Found["method"];
  readonly moves: number;
}

export interface ServingOptions extends LayerFlowOptions {
  /** Placements to start from besides the simple ones, such as one that runs. */
  readonly given?: readonly Placement[];
}

/** Moves for the placement of largest flow, from which the search starts as well. */
const FLOW_MOVES = 100_000;
const GAP_ZERO = 1e-9;

/**
 * Places layers so that most tokens a second are served within every machine's KV and time, latency deciding how long KV is held.
 *
 * Why: the largest flow prefers long chains of machines with few layers each, in which requests stay long and hold much KV; this objective weighs both.
 * The value is a lower bound of what the placement serves (`serve-placement.ts`). Rates of kinds count only for the placement of largest flow, one of the
 * starts; what is served follows from step times.
 */
export function placeForServing(rated: LayerFlowProblem, serving: ServingModel, options: ServingOptions = {}): ServingPlan {
  checkLayerFlow(rated);
  checkServing(rated, serving);
  const problem = timedProblem(rated, serving);
  const scorer = flowScorer(problem);
  const bound = servingBound(problem, serving);
  const widest = placeLayers(rated, { ...options, moves: Math.min(FLOW_MOVES, options.moves ?? FLOW_MOVES) }).placement;
  const worth = (placement: Placement): number => servedFlow(scorer, serving, { placement, effort: QUICK })?.score.tokensPerSec ?? 0;
  const found = searchPlacements(problem, { worth, enough: bound * (1 - GAP_ZERO), given: [widest, ...(options.given ?? [])] }, options);
  assert(evaluatePlacement(problem, found.placement).breaches.length === 0, "a placement keeps ranges and memory");
  const served = servedFlow(scorer, serving, { placement: found.placement, effort: THOROUGH });
  if (served !== undefined) {
    const { kvShare, timeShare, linkShare } = served.score;
    assert(Math.max(kvShare, timeShare, linkShare) <= 1 + SHARE_ROUNDING, "what is served fits", served.score);
  }
  const value = served?.score.tokensPerSec ?? 0;
  const gap = bound > 0 ? (bound - value) / bound : 0;
  return { ...found, served, value, bound, gap: gap < GAP_ZERO ? 0 : gap };
}

/**
 * Tokens a second that no placement serves more than: the bound of the flow, machines passing at each number of layers no more than their step times, and
 * than their KV at the shortest stay a request can have.
 */
export function servingBound(timed: LayerFlowProblem, serving: ServingModel): number {
  const { kinds, promptTokens, outputTokens } = serving;
  const heldTokenSec = (promptTokens + outputTokens / 2) * shortestStaySec(timed, serving);
  return layerBound({
    ...timed,
    kinds: timed.kinds.map(({ name, tokensPerSec }, at) => ({
      name,
      tokensPerSec: tokensPerSec.map((rate, held) => {
        const requestsPerSec = kinds[at]!.kvTokenLayers[held]! / ((held + 1) * heldTokenSec);
        return Math.min(rate, requestsPerSec * (promptTokens + outputTokens));
      }),
    })),
  });
}

/** A request's stay alone on the fastest kinds, each with as many layers as all its machines hold; links but the two at the ends take nothing. */
function shortestStaySec({ layers, kinds, machines }: LayerFlowProblem, serving: ServingModel): number {
  const { outputTokens, sourceSec, sinkSec } = serving;
  const layerSec = serving.kinds.map(
    ({ promptSec, decodeSec }) => promptSec + outputTokens * decodeSec.reduce((least, [, sec]) => Math.min(least, sec), Infinity),
  );
  let left = layers;
  let stay = (1 + outputTokens) * (Math.min(...sourceSec) + Math.min(...sinkSec));
  for (const kind of [...kinds.keys()].sort((a, b) => layerSec[a]! - layerSec[b]!)) {
    const held = Math.min(left, machines.filter((of) => of === kind).length * kinds[kind]!.tokensPerSec.length);
    stay += held * layerSec[kind]!;
    left -= held;
  }
  return stay;
}

function checkServing(problem: LayerFlowProblem, { kinds, linkSec, promptTokens, outputTokens }: ServingModel): void {
  assert(kinds.length === problem.kinds.length && linkSec.length === problem.links.length, "a serving model fits its problem");
  assert(promptTokens >= 0 && outputTokens > 0, "a mean request has output", { promptTokens, outputTokens });
  kinds.forEach(({ kvTokenLayers, decodeSec, promptSec }, at) => {
    const held = must(problem.kinds[at], "a kind").tokensPerSec.length;
    assert(kvTokenLayers.length === held && kvTokenLayers.every((room) => room > 0), "a kind has KV for each number of layers", at);
    assert(
      decodeSec.length > 0 && decodeSec.every(([batch, sec], i) => sec > 0 && batch > (decodeSec[i - 1]?.[0] ?? 0)),
      "decode steps rise",
      at,
    );
    assert(promptSec >= 0, "a prompt's time is not negative", promptSec);
  });
}
