import { err, ok, type Result } from "../../base/result.ts";
import { besideShareOf } from "./beside-share.ts";
import { cutOrder } from "./cut-order.ts";
import type { CutPrices, CutProblem, CutStage } from "./cut-problem.ts";
import { depthOrder } from "./depth-order.ts";

/** A node that no device runs. */
export interface RunsNowhere {
  readonly code: "runs-nowhere";
  readonly node: number;
}

/**
 * What a task costs beside its run: its inputs are sent, it is started, its outputs are fetched or handed on, each a message there and back, which takes
 * some 100 us between processes (`npm run bench -- seats`). Units: ns.
 */
export const TASK_NS = 300_000;
/** A hand-over in one machine's memory, both ways; what crosses a slower link costs more, which the engine knows when it places tasks. */
export const HAND_OVER_BYTES_PER_SECOND = 1e9;
/** Stages wanted for each device where a graph is shared out: few more than one, so that there is a choice, and unlike devices can share unevenly. */
const STAGES_A_DEVICE = 4;
/** Least size of a stage, in tasks' overheads: 25 % for starting it. */
const TASKS_A_STAGE = 4;

/**
 * Cuts a graph into convex stages that are placed one by one. Each runs on at least one device, and stages never wait for one another in a ring.
 *
 * `prices` replaces what is chosen here: see `TASK_NS`. Where a graph has to be shared out, because no device has room for it or its ends are named, a stage
 * is wanted no larger than a quarter of an even share of the work. Else size is no reason to cut: runs that are under way at once fill the devices, and
 * pieces of a chain would only be handed over. One device gets one stage.
 */
export function cutStages(problem: CutProblem, prices: Partial<CutPrices> = {}): Result<readonly CutStage[], RunsNowhere> {
  const nowhere = problem.nodes.findIndex(({ times }) => !times.some((ns) => ns < Infinity));
  if (nowhere !== -1) return err({ code: "runs-nowhere", node: nowhere });
  if (problem.nodes.length === 0) return ok([]);
  const workNs = problem.nodes.reduce((sum, { times }) => sum + Math.min(...times), 0);
  const taskNs = prices.taskNs ?? TASK_NS;
  const shared = problem.devices > 1 && (problem.tooLarge === true || prices.cutAfter !== undefined);
  const stageNs = shared ? Math.max(TASKS_A_STAGE * taskNs, workNs / (STAGES_A_DEVICE * problem.devices)) : Infinity;
  const order = depthOrder(problem);
  const besideShare = besideShareOf(problem, order);
  return ok(cutOrder(problem, order, { bytesPerSecond: HAND_OVER_BYTES_PER_SECOND, stageNs, besideShare, ...prices, taskNs }));
}
