import { assert } from "../../base/assert.ts";
import { NS_PER_S } from "../../base/units.ts";
import { type CutPrices, type CutProblem, type CutStage, neighboursOf } from "./cut-problem.ts";

/** Part of a stage's time that it costs to lose the choice of a device, when all but none are lost. */
const CHOICE_SHARE = 0.25;
/** Price of a cut where none was wanted: taken only where no device runs both sides. Units: ns. */
const UNWANTED_NS = 1e15;
/** Longest stage in nodes: a bound on moves. */
const NODES_MAX = 3000;

/**
 * The cheapest cut of an order into stretches: exact among all stretches of up to 3,000 nodes.
 *
 * Model: a stretch costs starting a task, the values that enter it, the time lost against every node on its best device, a quarter of its time for the
 * devices it cannot use that its nodes could, the time by which it is longer than its longest path (branches that could run beside one another, where there are devices for them), and
 * the time above the size wanted. The last two are what a cut saves; the first two are what it costs.
 * Complexity: nodes x stretch x (degree + devices). Errors: an assertion where a node runs nowhere.
 */
export function cutOrder(problem: CutProblem, order: readonly number[], prices: CutPrices): readonly CutStage[] {
  const stretch = stretches(problem, order);
  const best = new Float64Array(order.length + 1).fill(Infinity);
  const from = new Int32Array(order.length + 1);
  best[0] = 0;
  for (let start = 0; start < order.length; start++) {
    const { cutAfter } = prices;
    const unwanted = start > 0 && cutAfter !== undefined && !cutAfter.has(order[start - 1]!) ? UNWANTED_NS : 0;
    const base = best[start]! + unwanted + prices.taskNs;
    stretch(start, (end, { enteringBytes, bestNs, idealNs, pathNs, choiceNs }) => {
      const cost =
        base +
        (enteringBytes / prices.bytesPerSecond) * NS_PER_S +
        (bestNs - idealNs) +
        CHOICE_SHARE * choiceNs +
        prices.besideShare * (idealNs - pathNs) +
        Math.max(0, idealNs - prices.stageNs);
      if (cost >= best[end]!) return;
      best[end] = cost;
      from[end] = start;
    });
  }
  assert(best[order.length]! < Infinity, "every node runs somewhere");
  const stages: CutStage[] = [];
  for (let end = order.length; end > 0; end = from[end]!) stages.push(order.slice(from[end], end));
  return stages.reverse();
}

interface Stretch {
  enteringBytes: number;
  /** Least time on one device that runs all of it, and with every node on its own best device. */
  bestNs: number;
  idealNs: number;
  /** Longest path inside, every node on its best device. */
  pathNs: number;
  /** Time of nodes, each by the share of its devices that the stretch loses. */
  choiceNs: number;
}

/** Visits the stretches that begin at `start` and that some device can run as a whole, growing. */
function stretches(problem: CutProblem, order: readonly number[]): (start: number, visit: (end: number, found: Stretch) => void) => void {
  const { nodes, values, devices } = problem;
  const { before } = neighboursOf(problem);
  const ideal = nodes.map(({ times }) => Math.min(...times));
  const choices = nodes.map(({ times }) => times.filter((ns) => ns < Infinity).length);
  const inputs: number[][] = nodes.map(() => []);
  for (const [id, { readers }] of values.entries()) for (const reader of new Set(readers)) inputs[reader]!.push(id);
  const path = new Float64Array(nodes.length);
  const memberOf = new Int32Array(nodes.length).fill(-1);
  const seenBy = new Int32Array(values.length).fill(-1);
  return (start, visit) => {
    const sums = new Float64Array(devices);
    const found: Stretch = { enteringBytes: 0, bestNs: 0, idealNs: 0, pathNs: 0, choiceNs: 0 };
    let perChoice = 0;
    for (let at = start; at < Math.min(order.length, start + NODES_MAX); at++) {
      const node = order[at]!;
      const { times, alone = false } = nodes[node]!;
      if (at > start && (alone || nodes[order[start]!]!.alone === true)) return;
      memberOf[node] = start;
      let able = 0;
      found.bestNs = Infinity;
      for (let device = 0; device < devices; device++) {
        sums[device] = sums[device]! + times[device]!;
        if (sums[device]! < Infinity) able++;
        if (sums[device]! < found.bestNs) found.bestNs = sums[device]!;
      }
      if (able === 0) return;
      found.idealNs += ideal[node]!;
      perChoice += ideal[node]! / choices[node]!;
      found.choiceNs = found.idealNs - able * perChoice;
      let longest = 0;
      for (const earlier of before[node]!) if (memberOf[earlier] === start) longest = Math.max(longest, path[earlier]!);
      path[node] = longest + ideal[node]!;
      found.pathNs = Math.max(found.pathNs, path[node]!);
      for (const value of inputs[node]!) {
        const { producer, bytes } = values[value]!;
        if (seenBy[value] === start || (producer !== undefined && memberOf[producer] === start)) continue;
        seenBy[value] = start;
        found.enteringBytes += bytes;
      }
      visit(at + 1, found);
    }
  };
}
