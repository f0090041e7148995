import type { Lattice } from "../partition/lattice.ts";
import type { PipelineProblem, PipelineStage } from "./problem.ts";
import { chooseFor, fastestInFlight, fastestTime, type Segment, segmentOf, segmentTime } from "./segment.ts";

/** All stages there may be over a lattice of ideals: for every pair of ideals, the smaller first, the nodes between them. */
export interface StageSpace {
  readonly problem: PipelineProblem;
  readonly ideals: number;
  /** Segments that start at an ideal, each with the ideal they lead to. */
  readonly from: readonly (readonly { readonly to: number; readonly segments: readonly Segment[] }[])[];
  /** Numbers of replicas: divisors of the microbatches of a batch that devices allow, rising. */
  readonly replicas: readonly number[];
  /** No more replicas than this in all stages together. */
  readonly replicasMax: number;
}

/** The pairs of ideals, or `undefined` where there are more than `pairsMax`. */
export function stageSpace(problem: PipelineProblem, lattice: Lattice, pairsMax: number): StageSpace | undefined {
  const members = membersOf(lattice, problem.nodes.length);
  const degrees = [...new Set(problem.nodes.flatMap(({ choices }) => [...choices.keys()]))]
    .filter((t) => t <= problem.devices)
    .sort((a, b) => a - b);
  let pairs = 0;
  const from: { to: number; segments: Segment[] }[][] = [];
  for (let ideal = 0; ideal < lattice.count; ideal++) {
    const above: { to: number; segments: Segment[] }[] = [];
    for (const to of reachable(lattice, ideal)) {
      if (++pairs > pairsMax) return undefined;
      const nodes = problem.nodes.flatMap((_node, v) => (members[to]![v]! > members[ideal]![v]! ? [v] : []));
      const segments = degrees.map((degree) => segmentOf(problem, nodes, degree)).filter((segment) => segment !== undefined);
      if (segments.length > 0) above.push({ to, segments });
    }
    from.push(above);
  }
  const replicasMax = Math.min(problem.devices, problem.microbatches);
  const replicas = Array.from({ length: replicasMax }, (_zero, i) => i + 1).filter((d) => problem.microbatches % d === 0);
  return { problem, ideals: lattice.count, from, replicas, replicasMax };
}

export interface FewestDevices {
  /** Stages in order; `undefined` where none keep the period. */
  readonly stages: readonly PipelineStage[] | undefined;
  readonly moves: number;
}

/** Unreached in the table of devices. */
const NONE = 0x7fffffff;

/**
 * Stages that each take at most `period` on as few devices as can be, or none where the devices do not suffice.
 *
 * Model: dynamic programme from the last stage to the first. `least[ideal][s]` is the fewest devices that run all nodes outside the ideal with s replicas
 * in their stages; a stage with d replicas in front of them keeps ceil((s + d) / d) microbatches in flight.
 * Complexity: O(pairs of ideals x tensor degrees x numbers of replicas x devices), most of it cut: a stage is dropped where one with fewer devices allows
 * as many microbatches in flight.
 * Source: the recurrence of Tarnawski et al., NeurIPS 2021, section 4, turned round: devices for a period instead of the period for devices.
 */
export function fewestDevices(space: StageSpace, period: number, shouldStop?: () => boolean): FewestDevices | "stopped" {
  const { problem, ideals, from, replicasMax } = space;
  const width = replicasMax + 1;
  const least = new Int32Array(ideals * width).fill(NONE);
  least[(ideals - 1) * width] = 0;
  const fewestAfter = new Int32Array(ideals).fill(NONE);
  fewestAfter[ideals - 1] = 0;
  let moves = 0;
  for (let ideal = ideals - 2; ideal >= 0; ideal--) {
    if (shouldStop?.() === true) return "stopped";
    const row = ideal * width;
    for (const { to, segments } of from[ideal]!) {
      if (fewestAfter[to]! >= problem.devices) continue;
      for (const { replicas, devices, inFlightMax } of useful(space, segments, period)) {
        const last = Math.min(replicasMax, replicas * inFlightMax);
        const rest = to * width - replicas;
        for (let s = replicas; s <= last; s++) {
          const total = least[rest + s]! + devices;
          if (total >= least[row + s]! || total > problem.devices) continue;
          least[row + s] = total;
          fewestAfter[ideal] = Math.min(fewestAfter[ideal]!, total);
        }
        moves += last - replicas + 1;
      }
    }
  }
  return { stages: fewestAfter[0] === NONE ? undefined : trace(space, period, least), moves };
}

/** Whether all choices that were asked for so far were the best there are. */
export function allExact({ from }: StageSpace): boolean {
  return from.every((above) =>
    above.every(({ segments }) => segments.every(({ ranked }) => [...ranked.values()].every(({ cut }) => !cut))),
  );
}

interface Way {
  readonly segment: Segment;
  readonly replicas: number;
  readonly devices: number;
  /** Most microbatches in flight at which the stage keeps memory and period. */
  readonly inFlightMax: number;
}

/** Ways to run a stage within the period of which none has both as few devices and replicas, and as much room, as another. */
function useful(space: StageSpace, segments: readonly Segment[], period: number): readonly Way[] {
  const ways: Way[] = [];
  for (const segment of segments) {
    for (const replicas of space.replicas) {
      const devices = replicas * segment.tensorDegree;
      if (devices > space.problem.devices) break;
      const inFlightMax = mostInFlight(space, segment, { replicas, period });
      if (inFlightMax === 0) continue;
      const reach = Math.min(space.replicasMax, replicas * inFlightMax);
      const worse = ways.some(
        (other) =>
          other.devices <= devices &&
          other.replicas <= replicas &&
          Math.min(space.replicasMax, other.replicas * other.inFlightMax) >= reach,
      );
      if (!worse) ways.push({ segment, replicas, devices, inFlightMax });
    }
  }
  return ways;
}

/** Microbatches in flight with which the stage still keeps memory and period; 0 for none. */
function mostInFlight(
  { problem, replicasMax }: StageSpace,
  segment: Segment,
  { replicas, period }: { replicas: number; period: number },
): number {
  if (fastestTime(problem, segment, replicas) > period) return 0;
  const most = Math.ceil(replicasMax / replicas);
  let low = fastestInFlight(problem, segment, { replicas, most });
  let high = most + 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (segmentTime(problem, segment, { replicas, inFlight: middle }) <= period) low = middle;
    else high = middle;
  }
  return low;
}

function trace(space: StageSpace, period: number, least: Int32Array): readonly PipelineStage[] {
  const width = space.replicasMax + 1;
  const stages: PipelineStage[] = [];
  let s = least.subarray(0, width).reduce((best, total, at) => (total < least[best]! ? at : best), 0);
  for (let ideal = 0; ideal < space.ideals - 1; ) {
    const target = least[ideal * width + s]!;
    let next = -1;
    for (const { to, segments } of space.from[ideal]!) {
      const way = useful(space, segments, period).find(
        ({ replicas, devices, inFlightMax }) =>
          replicas <= s && s <= replicas * inFlightMax && least[to * width + s - replicas]! === target - devices,
      );
      if (way === undefined) continue;
      const { segment, replicas } = way;
      const chosen = chooseFor(space.problem, segment, { replicas, inFlight: Math.ceil(s / replicas) })!;
      stages.push({ nodes: segment.nodes, dataDegree: replicas, tensorDegree: segment.tensorDegree, choices: [...chosen.choices] });
      s -= replicas;
      next = to;
      break;
    }
    ideal = next;
  }
  return stages;
}

/** Ideals above one, rising. */
function reachable({ count, start, next }: Lattice, ideal: number): readonly number[] {
  const seen = new Uint8Array(count);
  const found: number[] = [];
  seen[ideal] = 1;
  // A step goes to a higher number: one sweep finds all.
  for (let at = ideal; at < count; at++) {
    if (seen[at] === 0) continue;
    if (at > ideal) found.push(at);
    for (let step = start[at]!; step < start[at + 1]!; step++) seen[next[step]!] = 1;
  }
  return found;
}

/** Nodes of every ideal. */
function membersOf({ count, start, vertex, next }: Lattice, nodes: number): readonly Uint8Array[] {
  const members = Array.from({ length: count }, () => new Uint8Array(nodes));
  for (let ideal = 0; ideal < count; ideal++) {
    for (let step = start[ideal]!; step < start[ideal + 1]!; step++) {
      const grown = members[next[step]!]!;
      grown.set(members[ideal]!);
      grown[vertex[step]!] = 1;
    }
  }
  return members;
}
