import { assert } from "../base/assert.ts";

/** A question to `splitLayers`: which stage of the sequence holds which layers. */
export interface SplitQuestion {
  readonly layers: number;
  /** One entry a stage: the memory it lives in. */
  readonly memories: readonly string[];
  /** Time of `count` layers on a stage, with the head where it ends the model. Units: any, summed over stages. */
  readonly costOf: (stage: number, count: number, last: boolean) => number;
  /** Bytes of `count` layers on a stage, with the head where it ends the model. */
  readonly bytesOf: (stage: number, count: number, last: boolean) => number;
  readonly freeBytes: ReadonlyMap<string, number>;
}

interface Best {
  readonly cost: number;
  readonly counts: readonly number[];
}

/** Weight of the preference for equal stages: breaks ties where every split costs the same, and decides nothing else. */
const BALANCE = 1e-3;

/**
 * The contiguous split of layers over a sequence of stages with the least summed time, each stage at least one layer and each memory within its free
 * bytes; `undefined` where none fits. Iterations pass through the stages one after another, so the sum is what a token waits for.
 *
 * Complexity: O(stages x layers²), times the ways to fill memories that several stages share where those may bind.
 */
export function splitLayers(question: SplitQuestion): readonly number[] | undefined {
  const stages = question.memories.length;
  assert(stages >= 1, "a replica has at least one stage");
  if (stages > question.layers) return undefined;
  const memo = new Map<string, Best | undefined>();
  const solve = (stage: number, left: number, used: ReadonlyMap<string, number>): Best | undefined => {
    const key = `${stage}|${left}|${bindingUse(question, used)}`;
    if (memo.has(key)) return memo.get(key);
    const best = stage === stages - 1 ? closing(question, stage, left, used) : opening(question, stage, left, used, solve);
    memo.set(key, best);
    return best;
  };
  return solve(0, question.layers, new Map())?.counts;
}

type Solve = (stage: number, left: number, used: ReadonlyMap<string, number>) => Best | undefined;

function closing(question: SplitQuestion, stage: number, left: number, used: ReadonlyMap<string, number>): Best | undefined {
  if (afterPlacing(question, stage, { count: left, last: true }, used) === undefined) return undefined;
  return { cost: penalised(question, stage, left, true), counts: [left] };
}

function opening(question: SplitQuestion, stage: number, left: number, used: ReadonlyMap<string, number>, solve: Solve): Best | undefined {
  let best: Best | undefined;
  const after = question.memories.length - 1 - stage;
  for (let count = 1; count <= left - after; count++) {
    const placed = afterPlacing(question, stage, { count, last: false }, used);
    if (placed === undefined) break;
    const rest = solve(stage + 1, left - count, placed);
    if (rest === undefined) continue;
    const cost = penalised(question, stage, count, false) + rest.cost;
    if (best === undefined || cost < best.cost) best = { cost, counts: [count, ...rest.counts] };
  }
  return best;
}

/** Time of a stage with a convex penalty: of splits with equal sums the most even one costs least. */
function penalised(question: SplitQuestion, stage: number, count: number, last: boolean): number {
  const cost = question.costOf(stage, count, last);
  const whole = Math.max(1, question.costOf(stage, question.layers, true));
  return cost + (BALANCE * cost * cost) / whole;
}

function afterPlacing(
  question: SplitQuestion,
  stage: number,
  part: { readonly count: number; readonly last: boolean },
  used: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> | undefined {
  const memory = question.memories[stage]!;
  const total = (used.get(memory) ?? 0) + question.bytesOf(stage, part.count, part.last);
  if (total > (question.freeBytes.get(memory) ?? 0)) return undefined;
  return new Map(used).set(memory, total);
}

/** Use of the memories that later stages share: what the rest of the split depends on. Empty while the whole model fits each memory. */
function bindingUse(question: SplitQuestion, used: ReadonlyMap<string, number>): string {
  const most = question.memories.map((_memory, stage) => question.bytesOf(stage, question.layers, true));
  return [...used]
    .filter(
      ([memory, bytes]) =>
        bytes + most.reduce((sum, need, stage) => sum + (question.memories[stage] === memory ? need : 0), 0) >
        (question.freeBytes.get(memory) ?? 0),
    )
    .map(([memory, bytes]) => `${memory}=${bytes}`)
    .join(",");
}
