import { setWake } from "../../base/wake-heap.ts";
import type { KvMoves, ServingRun } from "./serving-state.ts";
import { cutLeap, settleReplica } from "./settle-replica.ts";
import { stepNs } from "./step-ns.ts";

/** Where transfers slow collectives, this one does from now on. */
export function noteOnWay(moves: KvMoves, row: number, ends: readonly [source: number, target: number]): void {
  if (moves.transfer.ways?.beside === undefined) return;
  moves.onWay.set(row, ends);
  moves.changed = true;
}

/**
 * Prices iterations anew after KV came on links that collectives use, or left them. What is left of an iteration under way takes longer or shorter in the
 * proportion of its two prices, as if its collectives were spread evenly over it.
 *
 * @param at.acted Replicas below this index have acted at this instant.
 * @param at.acting The replica that is acting: it prices its next iteration itself.
 */
export function repriceBesideKv(run: ServingRun, at: { readonly nowNs: number; readonly acted: number; readonly acting?: number }): void {
  const { nowNs, acted, acting } = at;
  const { moves } = run;
  const beside = moves?.transfer.ways?.beside;
  if (moves === undefined || beside === undefined || !moves.changed) return;
  moves.changed = false;
  const transfers = [...moves.onWay.values()];
  for (const [index, lane] of run.lanes.entries()) {
    const cost = beside(index, transfers);
    if (cost === lane.cost) continue;
    const { executing } = run.replicas[index]!;
    if (index !== acting && executing.active) {
      settleReplica(run, index, nowNs, index < acted);
      cutLeap(run, index);
      const leftNs = lane.ends[lane.at]! - nowNs;
      if (leftNs > 0) {
        const ratio = stepNs({ ...lane, cost }, executing.shape) / stepNs(lane, executing.shape);
        lane.ends[lane.at] = nowNs + Math.max(1, Math.round(leftNs * ratio));
        setWake(run.wakes, index, lane.ends[lane.at]!);
      }
    }
    lane.cost = cost;
  }
}
