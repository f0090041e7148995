import { assert } from "../../base/assert.ts";
import { seededPrng } from "../../base/prng.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { type Lists, listsOf } from "../partition/csr.ts";
import { chainLattice, idealLattice, topologicalOrder } from "../partition/lattice.ts";
import { type PipelineBound, simpleBound } from "./bounds.ts";
import { evaluatePipeline } from "./evaluate.ts";
import { allExact, fewestDevices, type StageSpace, stageSpace } from "./fewest-devices.ts";
import { checkPipelineProblem, type PipelineProblem, type PipelineStage } from "./problem.ts";

export interface PipelineOptions {
  readonly seed?: number;
  /** Moves at most: steps of the dynamic programme. */
  readonly moves?: number;
  /** Asked now and then once there is a plan; the answer is the best so far. */
  readonly shouldStop?: () => boolean;
  /** Ideals up to which all contiguous stages are searched; above, those of several linear orders. */
  readonly idealsMax?: number;
}

export interface PipelinePlan {
  readonly stages: readonly PipelineStage[];
  /** Time per microbatch of the slowest stage, from the evaluator. */
  readonly value: number;
  readonly bound: PipelineBound;
  /** (value - bound) / value: 0 where the value is proven to be the least. */
  readonly gap: number;
  /** `ideals`: stages are any contiguous sets of nodes. `orders`: stages are pieces of the linear orders tried. */
  readonly method: "ideals" | "orders";
  readonly moves: number;
}

/** Nothing keeps the memory of the devices: proven, or not found in the orders tried. */
export interface NoPipeline {
  readonly code: "no-pipeline";
  readonly proven: boolean;
}

const IDEALS_MAX = 600;
/** Pairs of ideals up to which all are kept. */
const PAIRS_MAX = 40_000;
const ORDERS = 8;
/** How often a topological order follows what was just taken. */
const DEEP = 0.8;
/** Periods closer than this share are one. */
const CLOSE = 1e-9;
/** Above this share of the period halving goes on; below it the next test is just under the best plan. */
const WIDE = 0.004;

/**
 * Cuts a graph into a pipeline and chooses, stage by stage, data-parallel and tensor-parallel degree and a way to run every node (such as recomputing
 * activations), so that the slowest stage takes least time per microbatch and every device keeps its memory.
 *
 * Model: halving over the period; each test asks for the fewest devices that keep it, which is exact over contiguous stages of the graph. A test that fails
 * is a lower bound, so value and bound meet unless the search is stopped or the graph has too many ideals.
 * Errors: `no-pipeline`.
 * Source: Tarnawski et al., NeurIPS 2021, for problem and space.
 */
export function planPipeline(problem: PipelineProblem, options: PipelineOptions = {}): Result<PipelinePlan, NoPipeline> {
  checkPipelineProblem(problem);
  const successors = successorsOf(problem);
  const start = simpleBound(problem);
  if (start.value === Infinity) return err({ code: "no-pipeline", proven: true });
  const lattice = idealLattice(successors, options.idealsMax ?? IDEALS_MAX);
  const whole = lattice === undefined ? undefined : stageSpace(problem, lattice, PAIRS_MAX);
  let best: Best = { value: Infinity, bound: start.value, stages: undefined, moves: 0 };
  if (whole !== undefined) {
    best = shorten(whole, best, options);
  } else {
    const prng = seededPrng(options.seed ?? 1);
    for (let order = 0; order < ORDERS && (best.stages === undefined || !stopped(best.moves, options)); order++) {
      const chain = chainLattice(topologicalOrder(successors, prng, DEEP));
      const space = stageSpace(problem, chain, Infinity)!;
      best = { ...shorten(space, { ...best, bound: start.value }, options), bound: start.value };
    }
  }
  if (best.stages === undefined) return err({ code: "no-pipeline", proven: whole !== undefined });
  const { value, breaches } = evaluatePipeline(problem, best.stages);
  assert(breaches.length === 0, "a pipeline keeps memory, devices and order", breaches);
  const proven = whole !== undefined && allExact(whole) && best.bound > start.value;
  const bound: PipelineBound = proven ? { value: Math.min(best.bound, value), method: "exhaustive" } : start;
  const gap = value > 0 ? (value - bound.value) / value : 0;
  return ok({
    stages: best.stages,
    value,
    bound,
    gap: gap < 2 * CLOSE ? 0 : gap,
    method: whole === undefined ? "orders" : "ideals",
    moves: best.moves,
  });
}

interface Best {
  readonly value: number;
  /** Periods below this are proven to be impossible in the space searched. */
  readonly bound: number;
  readonly stages: readonly PipelineStage[] | undefined;
  readonly moves: number;
}

/** Shortens the period until value and bound meet. */
function shorten(space: StageSpace, from: Best, options: PipelineOptions): Best {
  let { value, bound, stages, moves } = from;
  let below = false;
  while (value > bound * (1 + CLOSE)) {
    if (stages !== undefined && stopped(moves, options)) break;
    // The first test, without a plan, only asks what fits.
    const period = value === Infinity ? Number.MAX_VALUE : below ? value * (1 - CLOSE) : (value + bound) / 2;
    const tried = fewestDevices(space, period, stages === undefined ? undefined : options.shouldStop);
    if (tried === "stopped") break;
    moves += tried.moves;
    if (tried.stages === undefined) {
      bound = period;
      if (period >= value * (1 - 2 * CLOSE)) break;
    } else {
      stages = tried.stages;
      value = Math.min(value, evaluatePipeline(space.problem, stages).value);
    }
    below = !below && value < Infinity && value - bound < WIDE * value;
  }
  return { value, bound, stages, moves };
}

function stopped(moves: number, { moves: movesMax, shouldStop }: PipelineOptions): boolean {
  return moves >= (movesMax ?? Infinity) || shouldStop?.() === true;
}

function successorsOf({ nodes, edges }: PipelineProblem): Lists {
  return listsOf(nodes.map((_node, i) => edges.filter(({ source }) => source === i).map(({ target }) => target)));
}
