import type { Prng } from "../../base/prng.ts";
import { type LayerFlowProblem, layersMax, type Placement } from "./problem.ts";

/** A change of a placement in place, by chance; false where it came to nothing or to ranges that machines cannot hold. */
export type Move = (problem: LayerFlowProblem, placement: Placement, prng: Prng) => boolean;

const SHIFT_MAX = 3;

/** Moves a border with all ranges that end or start there. */
const shiftBorder: Move = (problem, { start, count }, prng) => {
  const chosen = prng.nextBelow(count.length);
  const border = start[chosen]! + (prng.nextBelow(2) === 0 ? 0 : count[chosen]!);
  if (border === 0 || border === problem.layers) return false;
  const step = (1 + prng.nextBelow(SHIFT_MAX)) * (prng.nextBelow(2) === 0 ? 1 : -1);
  for (let i = 0; i < count.length; i++) {
    if (count[i] === 0) continue;
    const end = start[i]! + count[i]!;
    const first = start[i] === border ? border + step : start[i]!;
    if (!place(problem, { start, count }, i, first, (end === border ? border + step : end) - first)) return false;
  }
  return true;
};

/** Two machines change places. */
const swap: Move = (problem, { start, count }, prng) => {
  const [a, b] = [prng.nextBelow(count.length), prng.nextBelow(count.length)];
  if (problem.machines[a] === problem.machines[b] && a === b) return false;
  const [first, held] = [start[a]!, count[a]!];
  return place(problem, { start, count }, a, start[b]!, count[b]!) && place(problem, { start, count }, b, first, held);
};

/** One machine goes from one border to another, or to anywhere near. */
const replace: Move = (problem, { start, count }, prng) => {
  const machine = prng.nextBelow(count.length);
  const from = border({ start, count }, prng);
  const to = border({ start, count }, prng);
  const most = layersMax(problem, machine);
  const held = to > from && to - from <= most ? to - from : 1 + prng.nextBelow(most);
  return place(problem, { start, count }, machine, from, Math.min(held, problem.layers - from));
};

/** One end of one range moves by a layer. */
const resize: Move = (problem, { start, count }, prng) => {
  const machine = prng.nextBelow(count.length);
  const step = prng.nextBelow(2) === 0 ? 1 : -1;
  const front = prng.nextBelow(2) === 0;
  return place(problem, { start, count }, machine, start[machine]! + (front ? step : 0), count[machine]! + (front ? -step : step));
};

/** A machine is taken out, with the layers it held, and put in elsewhere with the same number: what is between moves up. */
const transplant: Move = (problem, { start, count }, prng) => {
  const machine = prng.nextBelow(count.length);
  const held = count[machine]!;
  const from = start[machine]!;
  const closed = (layer: number): number => (layer <= from ? layer : Math.max(from, layer - held));
  const to = closed(border({ start, count }, prng));
  for (let i = 0; i < count.length; i++) {
    if (i === machine || count[i] === 0) continue;
    const first = closed(start[i]!);
    const end = closed(start[i]! + count[i]!);
    const opened = first >= to ? first + held : first;
    if (!place(problem, { start, count }, i, opened, (end > to ? end + held : end) - opened)) return false;
  }
  return place(problem, { start, count }, machine, to, held);
};

/** A layer goes from one machine to another, all borders between them with it. */
const hand: Move = (problem, { start, count }, prng) => {
  const [a, b] = [border({ start, count }, prng), border({ start, count }, prng)];
  if (a === b) return false;
  const [low, high] = [Math.min(a, b), Math.max(a, b)];
  const step = prng.nextBelow(2) === 0 ? 1 : -1;
  const moved = (layer: number): number => (layer >= low && layer <= high && layer > 0 && layer < problem.layers ? layer + step : layer);
  for (let i = 0; i < count.length; i++) {
    if (count[i] === 0) continue;
    const first = moved(start[i]!);
    if (!place(problem, { start, count }, i, first, moved(start[i]! + count[i]!) - first)) return false;
  }
  return true;
};

export const MOVES: readonly Move[] = [shiftBorder, swap, replace, resize, transplant, hand];

function border({ start, count }: Placement, prng: Prng): number {
  const machine = prng.nextBelow(count.length);
  return start[machine]! + (prng.nextBelow(2) === 0 ? 0 : count[machine]!);
}

/** Gives a machine a range it can hold; false where it cannot. */
function place(problem: LayerFlowProblem, { start, count }: Placement, machine: number, first: number, held: number): boolean {
  if (first < 0 || held < 1 || first + held > problem.layers || held > layersMax(problem, machine)) return false;
  start[machine] = first;
  count[machine] = held;
  return true;
}
