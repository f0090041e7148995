import { cheapestSaving, type Saving } from "./cheapest-saving.ts";
import { GRADIENT_EXCHANGE, PASSES } from "./evaluate.ts";
import type { NodeChoice, PipelineProblem } from "./problem.ts";

/** Nodes that may form a stage at one tensor-parallel degree, with what the search asks of them again and again. */
export interface Segment {
  readonly nodes: readonly number[];
  readonly tensorDegree: number;
  /** All choices of every node. */
  readonly choices: readonly (readonly NodeChoice[])[];
  /** Time on one replica that each choice of each node takes, bytes that cross to other stages included. */
  readonly times: readonly Float64Array[];
  /** Whether a node's choices have the same parameters: what is best then does not depend on the number of replicas. */
  readonly alike: boolean;
  /** Filled when asked for, by number of replicas; under 1 for all where choices are alike. */
  readonly ranked: Map<number, RankedSegment>;
}

/** A segment with its fastest choices and what others would save. */
interface RankedSegment {
  readonly fastest: Int32Array;
  /** Time on one replica at the fastest choices, and the part of the gradient exchange that does not shrink with replicas. */
  readonly time: number;
  readonly gradientTime: number;
  readonly bytesPerMicrobatch: number;
  readonly fixedBytes: number;
  /** Time beyond `time` by microbatches in flight; Infinity where memory does not reach. */
  readonly extra: Map<number, number>;
  /** Some of those may be longer than need be. */
  cut: boolean;
}

/** The segment of some nodes, or `undefined` where one of them does not support the degree. */
export function segmentOf(problem: PipelineProblem, nodes: readonly number[], tensorDegree: number): Segment | undefined {
  const choices: (readonly NodeChoice[])[] = [];
  for (const node of nodes) {
    const ways = problem.nodes[node]!.choices.get(tensorDegree);
    if (ways === undefined || ways.length === 0) return undefined;
    choices.push(ways);
  }
  const place = new Map(nodes.map((node, i) => [node, i]));
  const times = choices.map((ways) => Float64Array.from(ways, ({ time }) => time));
  const cross = (i: number | undefined, bytesOf: (choice: NodeChoice) => number): void => {
    if (i === undefined) return;
    choices[i]!.forEach((choice, l) => {
      times[i]![l]! += (PASSES * bytesOf(choice)) / problem.bytesPerTime;
    });
  };
  for (const { source, target, bytes } of problem.edges) {
    const [from, to] = [place.get(source), place.get(target)];
    if (from !== undefined && to !== undefined) continue;
    cross(from, ({ outputSyncBytes }) => bytes + (outputSyncBytes.get(target) ?? 0));
    cross(to, ({ inputSyncBytes }) => bytes + (inputSyncBytes.get(source) ?? 0));
  }
  const alike = choices.every((ways) => ways.every(({ parameterBytes }) => parameterBytes === ways[0]!.parameterBytes));
  return { nodes, tensorDegree, choices, times, alike, ranked: new Map() };
}

/** Time of one microbatch on `replicas` replicas with so many microbatches in flight, at the best choices; Infinity where memory does not reach. */
export function segmentTime(
  problem: PipelineProblem,
  segment: Segment,
  load: { readonly replicas: number; readonly inFlight: number },
): number {
  const ranked = rankedOf(problem, segment, load.replicas);
  let extra = ranked.extra.get(load.inFlight);
  if (extra === undefined) {
    const chosen = chooseFor(problem, segment, load);
    extra = chosen?.cost ?? Infinity;
    if (chosen?.exact === false) ranked.cut = true;
    ranked.extra.set(load.inFlight, extra);
  }
  return timeAt(ranked, load.replicas, extra);
}

/** The least time there is, whatever memory allows. */
export function fastestTime(problem: PipelineProblem, segment: Segment, replicas: number): number {
  return timeAt(rankedOf(problem, segment, replicas), replicas, 0);
}

/** Microbatches in flight up to which the fastest choices fit, at most `most`. */
export function fastestInFlight(
  problem: PipelineProblem,
  segment: Segment,
  { replicas, most }: { readonly replicas: number; readonly most: number },
): number {
  const { bytesPerMicrobatch, fixedBytes } = rankedOf(problem, segment, replicas);
  const fits = (count: number): boolean => bytesPerMicrobatch * count + fixedBytes <= problem.memoryBytes;
  if (!fits(1)) return 0;
  if (fits(most)) return most;
  let count = Math.floor((problem.memoryBytes - fixedBytes) / bytesPerMicrobatch);
  while (!fits(count)) count--;
  while (fits(count + 1)) count++;
  return count;
}

/** The best choice of every node, with its time beyond the fastest; `undefined` where memory does not reach. */
export function chooseFor(
  problem: PipelineProblem,
  segment: Segment,
  { replicas, inFlight }: { readonly replicas: number; readonly inFlight: number },
): { readonly choices: Int32Array; readonly cost: number; readonly exact: boolean } | undefined {
  const { fastest, bytesPerMicrobatch, fixedBytes } = rankedOf(problem, segment, replicas);
  const needed = bytesPerMicrobatch * inFlight + fixedBytes - problem.memoryBytes;
  if (needed <= 0) return { choices: fastest, cost: 0, exact: true };
  const places: number[] = [];
  const options: number[][] = [];
  const items: Saving[][] = [];
  segment.choices.forEach((ways, i) => {
    const base = ways[fastest[i]!]!;
    const savings: Saving[] = [];
    const which: number[] = [];
    ways.forEach((way, l) => {
      const bytes = (base.bytesPerMicrobatch - way.bytesPerMicrobatch) * inFlight + base.fixedBytes - way.fixedBytes;
      if (bytes <= 0) return;
      savings.push({ cost: costBetween(problem, segment, { node: i, from: fastest[i]!, to: l, replicas }), bytes });
      which.push(l);
    });
    if (savings.length === 0) return;
    places.push(i);
    options.push(which);
    items.push(savings);
  });
  const set = cheapestSaving(items, needed);
  if (set === undefined) return undefined;
  const choices = fastest.slice();
  set.chosen.forEach((option, at) => {
    if (option >= 0) choices[places[at]!] = options[at]![option]!;
  });
  return { choices, cost: set.cost, exact: set.exact };
}

function timeAt({ time, gradientTime }: RankedSegment, replicas: number, extra: number): number {
  return (time + extra + (replicas - 1) * gradientTime) / replicas;
}

/** Time of one gradient exchange on `d` replicas is (d - 1) / d of this, spread over the microbatches of a batch. */
export function gradientTime({ microbatches, bytesPerTime }: PipelineProblem, { parameterBytes }: NodeChoice): number {
  return (GRADIENT_EXCHANGE * parameterBytes) / microbatches / bytesPerTime;
}

function rankedOf(problem: PipelineProblem, segment: Segment, replicas: number): RankedSegment {
  const key = segment.alike ? 1 : replicas;
  let ranked = segment.ranked.get(key);
  if (ranked === undefined) {
    ranked = rank(problem, segment, key);
    segment.ranked.set(key, ranked);
  }
  return ranked;
}

function rank(problem: PipelineProblem, { choices, times }: Segment, replicas: number): RankedSegment {
  const weight = (i: number, l: number): number => times[i]![l]! + (replicas - 1) * gradientTime(problem, choices[i]![l]!);
  const memory = (way: NodeChoice): number => way.bytesPerMicrobatch + way.fixedBytes;
  const fastest = Int32Array.from(choices, (ways, i) =>
    ways.reduce((best, way, l) => {
      const rise = weight(i, l) - weight(i, best);
      return rise < 0 || (rise === 0 && memory(way) < memory(ways[best]!)) ? l : best;
    }, 0),
  );
  const sum = (part: (way: NodeChoice) => number): number => choices.reduce((total, ways, i) => total + part(ways[fastest[i]!]!), 0);
  return {
    fastest,
    time: choices.reduce((total, _ways, i) => total + times[i]![fastest[i]!]!, 0),
    gradientTime: sum((way) => gradientTime(problem, way)),
    bytesPerMicrobatch: sum((way) => way.bytesPerMicrobatch),
    fixedBytes: sum((way) => way.fixedBytes),
    extra: new Map(),
    cut: false,
  };
}

/** Time that another choice adds, on one replica; taken from the parts that differ, so that like nodes give the same number. */
function costBetween(
  problem: PipelineProblem,
  { choices, times, alike }: Segment,
  { node, from, to, replicas }: { readonly node: number; readonly from: number; readonly to: number; readonly replicas: number },
): number {
  const [base, way] = [choices[node]![from]!, choices[node]![to]!];
  const gradients = alike ? 0 : (replicas - 1) * (gradientTime(problem, way) - gradientTime(problem, base));
  const crossing = times[node]![to]! - way.time - (times[node]![from]! - base.time);
  // A difference of rounding is none.
  const exchanged = Math.abs(crossing) < ROUNDING * times[node]![to]! ? 0 : crossing;
  return Math.max(0, way.time - base.time + exchanged + gradients);
}

const ROUNDING = 1e-12;
