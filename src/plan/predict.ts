import { type Priced, sumPriced } from "../cost/priced.ts";
import type { PricedStepCost } from "../cost/step-cost-from.ts";
import type { Device } from "../rack/rack.ts";
import { chunkEnd } from "../state/chunk-end.ts";

/** Workload points a plan is judged at. */
export const PROMPT_TOKENS = 512;
export const DECODE_CONTEXT = 256;
export const STREAMS = 8;
const STREAM_CONTEXT = 384;
/** Streams a plan is judged at: `STREAMS`, or as many as may run at once where that is fewer. */
export function judgedStreams(maxSequences: number | undefined): number {
  return Math.min(STREAMS, maxSequences ?? STREAMS);
}

/** `8 streams`, `1 stream`. */
export function streamsText(streams: number): string {
  return `${streams} stream${streams === 1 ? "" : "s"}`;
}

/** Largest prefill chunks considered; a smaller one within this factor of the fastest is preferred, since chunks delay running streams. */
const CHUNKS: readonly number[] = [64, 128, 256, 512];
const CHUNK_TOLERANCE = 1.03;

/** What one replica does on an idle rack. */
export interface ReplicaPrediction {
  /** First token of a prompt of `PROMPT_TOKENS`; time per further token at `DECODE_CONTEXT`. */
  readonly ttft: Priced;
  readonly tpot: Priced;
  readonly chunk: number;
  /** Time in which each of 1 to `STREAMS` streams gets one token, in ns; index 0 is one stream. */
  readonly stepNs: readonly number[];
}

/** Times of a replica: of a prompt in the smallest chunk that is about as quick as the quickest, of a token alone, and of steps beside others. */
export function predictReplica(cost: PricedStepCost, devices: readonly Device[]): ReplicaPrediction {
  const choices = CHUNKS.map((chunk) => ({ chunk, ttft: promptCost(cost, chunk) }));
  const fastest = choices.reduce((least, { ttft }) => Math.min(least, ttft.ns), Infinity);
  const chosen = choices.find(({ ttft }) => ttft.ns <= fastest * CHUNK_TOLERANCE) ?? choices[0]!;
  const stepNs = Array.from({ length: STREAMS }, (_, index) => cycleNs(cost, devices, index + 1));
  return { ttft: chosen.ttft, tpot: cost.step(decodeShape(1, DECODE_CONTEXT)), chunk: chosen.chunk, stepNs };
}

/**
 * Time in which each of several streams gets one token. With several stages as many groups of streams are in flight, each group one after the other
 * through all stages: the cycle is the longer of one group's way and the work of the busiest core.
 */
function cycleNs(cost: PricedStepCost, devices: readonly Device[], streams: number): number {
  const groups = Math.min(devices.length, streams);
  const shape = decodeShape(Math.ceil(streams / groups), STREAM_CONTEXT);
  const slowdown = cost.besideSlowdown ?? devices.reduce((most, device) => Math.max(most, device.calibration?.concurrentSlowdown ?? 1), 1);
  const work = new Map<string, number>();
  devices.forEach((device, stage) => {
    const ns = cost.stage(stage, shape).ns * groups;
    for (const core of device.cores) work.set(`${device.memory}/${core}`, (work.get(`${device.memory}/${core}`) ?? 0) + ns);
  });
  const busiest = [...work.values()].reduce((most, ns) => Math.max(most, ns), 0);
  const alone = cost.step(shape).ns;
  return groups === 1 ? alone : Math.max(alone, busiest) * slowdown;
}

/** A prompt of `PROMPT_TOKENS` alone, in the chunks the batching policy cuts it into, its last position sampled. */
export function promptCost(cost: Pick<PricedStepCost, "step">, chunk: number): Priced {
  const steps: Priced[] = [];
  for (let context = 0; context < PROMPT_TOKENS; ) {
    const end = chunkEnd(context, PROMPT_TOKENS, chunk);
    const sampledRows = end === PROMPT_TOKENS ? 1 : 0;
    steps.push(cost.step({ prefill: [{ count: end - context, context }], decodeContexts: [], sampledRows }));
    context = end;
  }
  return sumPriced(steps);
}

/** The shape of a step in which streams of one context length decode a token each. */
export function decodeShape(streams: number, context: number): { prefill: []; decodeContexts: number[]; sampledRows: number } {
  return { prefill: [], decodeContexts: new Array<number>(streams).fill(context), sampledRows: streams };
}

/**
 * Sustained output of `count` (at most `STREAMS`) equal streams over several replicas, each slowed down by the others by its factor: streams go one by one where the
 * step stays shortest, and all count as long as the slowest, so a slow replica gets none. Units: tokens/s.
 */
export function fleetThroughput(
  replicas: readonly { readonly stepNs: readonly number[]; readonly slowdown: number }[],
  count: number,
): number {
  const streams = replicas.map(() => 0);
  let longestNs = 0;
  for (let placed = 0; placed < count; placed++) {
    let best = 0;
    let bestNs = Infinity;
    replicas.forEach(({ stepNs, slowdown }, index) => {
      const ns = (stepNs[streams[index]!] ?? Infinity) * slowdown;
      if (ns < bestNs) {
        best = index;
        bestNs = ns;
      }
    });
    streams[best] = streams[best]! + 1;
    longestNs = Math.max(longestNs, bestNs);
  }
  return longestNs > 0 ? (count / longestNs) * 1e9 : 0;
}
