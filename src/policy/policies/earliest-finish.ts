import type { Nanoseconds, Ratio } from "../../base/units.ts";
import { scheduleBatch } from "../batch-schedule/schedule-batch.ts";
import type { CountedList } from "../batching.ts";
import type { CandidateView, DataflowPolicy, DataflowPolicyParameters, PlacedTaskView } from "../dataflow-policy.ts";
import { isWorth } from "../worth.ts";

/**
 * The longest path first, each task where it ends first: device and data ready, load, run, and energy at its price. A batch that has the rack to itself is
 * scheduled as a whole: its tasks go where the schedule has them, as long as they are not late there. A device that would slow others down by about what it
 * takes off them is left idle.
 *
 * Kinds of runs that were not measured on a device are tried there while the price of a try is bounded, so that histories fill.
 * Source: the order is the upward rank of HEFT (Topcuoglu et al. 2002); data in the score as in StarPU's dmda.
 */
export const earliestFinish: DataflowPolicy = {
  name: "earliest-finish",
  onlyReads: true,
  urgency: ({ upwardRankNs }) => upwardRankNs,
  schedule: scheduleBatch,
  place: (task, candidates, parameters) =>
    task.gang === 1 ? placeOne(task, candidates, parameters) : placeGang(task.gang, candidates, parameters),
};

/** A task is late on its scheduled device where it would end there later by so many of its runs than it was to. */
const LATE_MAX: Ratio = 1;

function endOf(candidate: CandidateView): Nanoseconds {
  // What is loaded once serves all runs to come: it is paid off when the runs so far took as long, which is at most twice the best there is to do
  // (rent or buy, Karlin et al. 1988). Until then one run would have to gain it all, and none ever does.
  const owedNs = Math.max(0, candidate.loadNs - candidate.spentNs);
  // A load keeps the device busy but not the links.
  return Math.max(candidate.deviceReadyAt + owedNs, candidate.dataReadyAt) + candidate.runNs;
}

function scoreOf(candidate: CandidateView, { energyNsPerJoule }: DataflowPolicyParameters): number {
  return endOf(candidate) + energyNsPerJoule * candidate.joules;
}

/**
 * What is moved counts on top, hidden or not: it takes both ends' time and the links', and the next run of its state finds it there.
 *
 * Why: of four texts that were written at once, on two devices, each step went where it ended some 100 us sooner, and its keys and values with it: 0.88 of one device's
 * speed, 1.29 where each text stayed where it began.
 */
function scoreOne(candidate: CandidateView, parameters: DataflowPolicyParameters): number {
  return scoreOf(candidate, parameters) + candidate.movedNs;
}

function placeOne(task: PlacedTaskView, candidates: CountedList<CandidateView>, parameters: DataflowPolicyParameters): readonly number[] {
  let scheduled = -1;
  let scheduledScore = Infinity;
  let best = -1;
  let bestScore = Infinity;
  let bestRunNs = 0;
  let untried = false;
  const burdens = burdensOf(candidates);
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates.at(i);
    if (candidate.samples + candidate.samplesUnderWay < parameters.exploreSamples) untried = true;
    if (burdens(candidate)) continue;
    const score = scoreOne(candidate, parameters);
    const inTime = candidate.device === task.scheduledOn && endOf(candidate) <= task.scheduledEndAt + LATE_MAX * candidate.runNs;
    if (inTime && score < scheduledScore) {
      scheduled = i;
      scheduledScore = score;
    }
    if (score < bestScore) {
      best = i;
      bestScore = score;
      bestRunNs = candidate.runNs;
    }
  }
  if (best < 0) return [];
  // A try may still go before the schedule, at its price.
  const chosen = scheduled >= 0 ? scheduled : mostUsed(candidates, parameters, { best, scoreMax: bestScore + NEAR_NS, burdens });
  return [
    untried ? explore(candidates, parameters, { best: chosen, priceMax: bestScore + parameters.explorePriceMax * bestRunNs }) : chosen,
  ];
}

/** Whether a device would take from others about what the task takes elsewhere. The one that takes least in all never does. */
function burdensOf(candidates: CountedList<CandidateView>): (candidate: CandidateView) => boolean {
  let leastOn = -1;
  let leastNs = Infinity;
  for (let i = 0; i < candidates.length; i++) {
    const { device, runNs, burdenNs } = candidates.at(i);
    if (runNs + burdenNs >= leastNs) continue;
    leastNs = runNs + burdenNs;
    leastOn = device;
  }
  return ({ device, burdenNs, elsewhereNs }) => leastOn >= 0 && device !== leastOn && !isWorth(burdenNs, elsewhereNs);
}

/**
 * Ends that are nearer than this are equal: histories do not tell runs apart so well, and a device that has not run a stage for a while is slower than it
 * says. Why: a chain of runs of 80 us that changed between two equal devices took 1.35 times as long as one that did not, 1.03 times where it stayed.
 */
const NEAR_NS: Nanoseconds = 100_000;

/** Of candidates that end about as early as the best one, the one that has run the most of this kind. */
function mostUsed(
  candidates: CountedList<CandidateView>,
  parameters: DataflowPolicyParameters,
  { best, scoreMax, burdens }: { readonly best: number; readonly scoreMax: number; readonly burdens: (one: CandidateView) => boolean },
): number {
  let chosen = best;
  let samples = candidates.at(best).samples;
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates.at(i);
    if (candidate.samples <= samples || burdens(candidate) || scoreOne(candidate, parameters) > scoreMax) continue;
    chosen = i;
    samples = candidate.samples;
  }
  return chosen;
}

/** The least-tried candidate whose end is within the price, else the best. */
function explore(
  candidates: CountedList<CandidateView>,
  parameters: DataflowPolicyParameters,
  given: { readonly best: number; readonly priceMax: number },
): number {
  let chosen = given.best;
  let fewest = parameters.exploreSamples;
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates.at(i);
    const tries = candidate.samples + candidate.samplesUnderWay;
    if (tries >= fewest || candidate.full || candidate.failedBefore || scoreOf(candidate, parameters) > given.priceMax) continue;
    chosen = i;
    fewest = tries;
  }
  return chosen;
}

/** Of every class and variant the devices that are ready first; the gang whose last member ends first. */
function placeGang(gang: number, candidates: CountedList<CandidateView>, parameters: DataflowPolicyParameters): readonly number[] {
  const kinds = new Map<number, { readonly index: number; readonly score: number }[]>();
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates.at(i);
    const kind = candidate.class * VARIANTS_MAX + candidate.variant;
    const members = kinds.get(kind) ?? [];
    members.push({ index: i, score: scoreOf(candidate, parameters) });
    kinds.set(kind, members);
  }
  let chosen: readonly number[] = [];
  let chosenScore = Infinity;
  for (const members of kinds.values()) {
    if (members.length < gang) continue;
    members.sort((a, b) => a.score - b.score || a.index - b.index);
    const last = members[gang - 1]!.score;
    if (last >= chosenScore) continue;
    chosenScore = last;
    chosen = members.slice(0, gang).map(({ index }) => index);
  }
  return chosen;
}

/** More than any stage has. */
const VARIANTS_MAX = 1024;
