import { assert } from "../../base/assert.ts";
import type { Route } from "./evaluate.ts";
import type { LayerFlowProblem, Placement } from "./problem.ts";

/** What the flow leaves out: how long a request stays in the pipeline, and the KV it holds on every machine meanwhile. */
export interface ServingModel {
  /** Tokens of a mean request. */
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** By kind, in the order of the problem's. */
  readonly kinds: readonly ServingKind[];
  /** Delay of a message from machine i to machine j at `i * machines + j`, and at the two ends. */
  readonly linkSec: Float64Array;
  readonly sourceSec: Float64Array;
  readonly sinkSec: Float64Array;
}

export interface ServingKind {
  /** Tokens times layers whose KV fits beside the weights with 1, 2, ... layers held. */
  readonly kvTokenLayers: readonly number[];
  /** Seconds of one decode step for one layer by sequences in it, sequences rising. */
  readonly decodeSec: readonly (readonly [sequences: number, seconds: number])[];
  /** Seconds of one layer for a whole mean prompt. */
  readonly promptSec: number;
}

export interface ServingScore {
  /** Prompt and output tokens a second. */
  readonly tokensPerSec: number;
  readonly outputTokensPerSec: number;
  /** Mean over requests: from one output token to the next, and from arrival to the end of the last. */
  readonly secPerOutputToken: number;
  readonly requestSec: number;
  /** Share of the fullest machine's KV and time that the flow uses, and of the fullest link: the flow can be served where none is over 1. */
  readonly kvShare: number;
  readonly timeShare: number;
  readonly linkShare: number;
  /** By machine: the largest of its shares. */
  readonly shares: Float64Array;
}

/** A share that is over 1 by rounding only. */
export const SHARE_ROUNDING = 1e-6;

/** Machine times beyond this share wait without end. */
const BUSY_MAX = 0.999;

/**
 * What a flow over given routes asks of a placement, from the routes alone.
 *
 * Model: a request passes each machine on its way once for the prompt and once for every output token, and chooses its next machine by the routes' flows.
 * A machine decodes in the smallest batch of its table that keeps up, prompts taking their share of its time. A request holds the KV of its prompt and half
 * its output, the mean, for every layer of a machine, as long as it is in the pipeline.
 * Units: flows in tokens/s, prompt and output together; a request is promptTokens + outputTokens of flow.
 * Why: no queues but a step's own length are counted, so latencies are lower bounds.
 */
export function scoreServing(
  problem: LayerFlowProblem,
  serving: ServingModel,
  { placement, routes }: { readonly placement: Placement; readonly routes: readonly Route[] },
): ServingScore {
  const count = problem.machines.length;
  const { promptTokens, outputTokens } = serving;
  const perRequest = promptTokens + outputTokens;
  const into = new Float64Array(count);
  const outOf = new Float64Array(count);
  let total = 0;
  let linkShare = 0;
  for (const { from, to, flow } of routes) {
    if (to < count) into[to] = into[to]! + flow;
    if (from >= 0) outOf[from] = outOf[from]! + flow;
    if (from < 0) total += flow;
    linkShare = Math.max(linkShare, flow / linkRate(problem, from, to));
  }
  for (let i = 0; i < count; i++) assert(Math.abs(into[i]! - outOf[i]!) <= 1e-6 * (1 + total), "what goes into a machine comes out", i);
  const machines = Array.from(into, (flow, i) => machineTime(problem, serving, { machine: i, count: placement.count[i]!, flow }));
  const linkTimes = routes.map(({ from, to }) => {
    const delay = linkDelay(serving, { from, to, count });
    const rate = linkRate(problem, from, to);
    return { prompt: delay + promptTokens / rate, token: delay + 1 / rate };
  });
  const order = inOrder(placement, routes);
  const prompt = meanTimes(routes, order, {
    at: Float64Array.from(machines, (one) => one.prompt),
    over: Float64Array.from(linkTimes, (one) => one.prompt),
  });
  const token = meanTimes(routes, order, {
    at: Float64Array.from(machines, (one) => one.token),
    over: Float64Array.from(linkTimes, (one) => one.token),
  });
  const shares = new Float64Array(count);
  let [kvShare, timeShare] = [0, 0];
  for (let i = 0; i < count; i++) {
    if (into[i] === 0) continue;
    const held = placement.count[i]!;
    const requestSec = prompt[i]! + outputTokens * token[i]!;
    const used = (into[i]! / perRequest) * requestSec * (promptTokens + outputTokens / 2) * held;
    const kv = used / serving.kinds[problem.machines[i]!]!.kvTokenLayers[held - 1]!;
    shares[i] = Math.max(kv, machines[i]!.share);
    kvShare = Math.max(kvShare, kv);
    timeShare = Math.max(timeShare, machines[i]!.share);
  }
  const secPerOutputToken = token[count]!;
  return {
    tokensPerSec: total,
    outputTokensPerSec: (total * outputTokens) / perRequest,
    secPerOutputToken,
    requestSec: prompt[count]! + outputTokens * secPerOutputToken,
    kvShare,
    timeShare,
    linkShare,
    shares,
  };
}

/** Seconds a machine takes for a prompt and for an output token, and the share of its time that its flow takes at its best batch. */
function machineTime(
  problem: LayerFlowProblem,
  { kinds, promptTokens, outputTokens }: ServingModel,
  { machine, count, flow }: { readonly machine: number; readonly count: number; readonly flow: number },
): { readonly prompt: number; readonly token: number; readonly share: number } {
  const { decodeSec, promptSec } = kinds[problem.machines[machine]!]!;
  const requests = flow / (promptTokens + outputTokens);
  const prompts = requests * count * promptSec;
  const left = 1 - Math.min(BUSY_MAX, prompts);
  // The smallest batch that decodes as much as comes in; the last one where none does.
  const rate = requests * outputTokens;
  const [, seconds] = decodeSec.find(([batch, step]) => batch / (count * step) >= rate / left) ?? decodeSec.at(-1)!;
  const share = prompts + (rate * count) / decodeRate(decodeSec);
  return { prompt: (count * promptSec) / left, token: (count * seconds) / left, share };
}

/** Most sequences a second that one layer decodes, over batches. */
function decodeRate(decodeSec: ServingKind["decodeSec"]): number {
  return decodeSec.reduce((most, [batch, seconds]) => Math.max(most, batch / seconds), 0);
}

/**
 * The same machines with the rates that step times alone allow, at the best batch and however much KV that takes.
 *
 * Why: published rates at k layers already suppose some batch that memory left; with KV counted request by request they would count it twice.
 */
export function timedProblem(problem: LayerFlowProblem, { kinds, promptTokens, outputTokens }: ServingModel): LayerFlowProblem {
  return {
    ...problem,
    kinds: problem.kinds.map(({ name, tokensPerSec }, at) => {
      const { promptSec, decodeSec } = kinds[at]!;
      const requestSec = promptSec + outputTokens / decodeRate(decodeSec);
      return { name, tokensPerSec: tokensPerSec.map((_rate, held) => (promptTokens + outputTokens) / ((held + 1) * requestSec)) };
    }),
  };
}

/** Routes in an order in which all that lead to a machine come before those that leave it: ends of ranges rise along every route. */
function inOrder({ start, count }: Placement, routes: readonly Route[]): Int32Array {
  const ends = Float64Array.from(routes, ({ from }) => (from < 0 ? -1 : start[from]! + count[from]!));
  return Int32Array.from(routes.keys()).sort((a, b) => ends[a]! - ends[b]! || a - b);
}

/** Mean time on the whole way of requests that pass each machine, and last of all requests. */
function meanTimes(
  routes: readonly Route[],
  order: Int32Array,
  { at, over }: { readonly at: Float64Array; readonly over: Float64Array },
): Float64Array {
  const machines = at.length;
  const before = new Float64Array(machines + 1);
  const after = new Float64Array(machines);
  const flowIn = new Float64Array(machines + 1);
  const flowOut = new Float64Array(machines);
  for (const { from, to, flow } of routes) {
    flowIn[to] = flowIn[to]! + flow;
    if (from >= 0) flowOut[from] = flowOut[from]! + flow;
  }
  for (const r of order) {
    const { from, to, flow } = routes[r]!;
    before[to] = before[to]! + (flow / flowIn[to]!) * ((from < 0 ? 0 : before[from]! + at[from]!) + over[r]!);
  }
  for (let i = order.length - 1; i >= 0; i--) {
    const { from, to, flow } = routes[order[i]!]!;
    if (from >= 0) after[from] = after[from]! + (flow / flowOut[from]!) * ((to === machines ? 0 : after[to]! + at[to]!) + over[order[i]!]!);
  }
  return before.map((sofar, i) => (i < machines ? sofar + at[i]! + after[i]! : sofar));
}

function linkRate({ links, sourceLinks, sinkLinks, machines }: LayerFlowProblem, from: number, to: number): number {
  if (from < 0) return sourceLinks[to]!;
  return to === machines.length ? sinkLinks[from]! : links[from * machines.length + to]!;
}

function linkDelay(
  { linkSec, sourceSec, sinkSec }: ServingModel,
  { from, to, count }: { from: number; to: number; count: number },
): number {
  if (from < 0) return sourceSec[to]!;
  return to === count ? sinkSec[from]! : linkSec[from * count + to]!;
}
