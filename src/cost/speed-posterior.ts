import { exp, ln } from "../base/math.ts";
import { studentQuantile } from "../base/student.ts";
import type { Ratio } from "../base/units.ts";
import { DRIFT_VARIANCE_MAX, type RunSpread } from "./run-spread.ts";

/** What a run that follows a probe is predicted with. */
export interface FollowedSpeed {
  /** Factor on all step times of the cost model. */
  readonly factor: Ratio;
  readonly spread: RunSpread;
  /** Weight the probe got; the rest is that of earlier runs. */
  readonly probeWeight: Ratio;
}

/** How fast an earlier run was, and a probe just before it where there was one: ln(time / what the cost model says). */
export interface SeenRun {
  /** How long ago. Units: s. */
  readonly age: number;
  readonly run: number;
  readonly probe?: number;
}

/** What a machine may be like: each value with how likely it is before any run was seen. */
interface Guess {
  readonly value: number;
  readonly weight: number;
}

/**
 * Variance of ln(time) that a second adds. Source: shared 2-core machines, from 2e-5 in a quiet quarter of an hour to 1e-4 on a busy day, the likelier
 * ones; both ways as far again.
 */
const DRIFTS: readonly Guess[] = [
  { value: 2e-6, weight: 0.1 },
  { value: 1e-5, weight: 0.2 },
  { value: 3e-5, weight: 0.25 },
  { value: 7e-5, weight: 0.25 },
  { value: 2e-4, weight: 0.15 },
  { value: 6e-4, weight: 0.05 },
];
/**
 * Standard deviation of ln(time) of a run of 20 s about the machine's speed when it began. Source: two such runs back to back differ by 7.6 %, 5 % of it
 * either's own; a machine with busy neighbours twice that.
 */
const RUN_DEVIATIONS: readonly Guess[] = [
  { value: 0.02, weight: 0.14 },
  { value: 0.035, weight: 0.25 },
  { value: 0.055, weight: 0.3 },
  { value: 0.085, weight: 0.2 },
  { value: 0.14, weight: 0.11 },
];
/** The same of a probe of 3 s. Source: runs were 5 to 8 % off the probe before them, the run's own 5 % among them. */
const PROBE_DEVIATIONS: readonly Guess[] = [
  { value: 0.02, weight: 0.2 },
  { value: 0.04, weight: 0.3 },
  { value: 0.07, weight: 0.3 },
  { value: 0.12, weight: 0.15 },
  { value: 0.25, weight: 0.05 },
];
/** Chance that the machine became another since the last run (a neighbour came or went): it is then as far off as it is over hours. */
const JUMP_CHANCE = 0.05;
/** Variance of ln(time) before anything was seen: next to nothing is known. */
const UNKNOWN_VARIANCE = 1;
/** Bounds of the freedom of a Student's t that has a mixture's fourth moment. */
const FREEDOM_MIN = 5;
const FREEDOM_MAX = 100;

interface State {
  mean: number;
  variance: number;
  logLikelihood: number;
}

interface Component {
  readonly mean: number;
  readonly variance: number;
  readonly logWeight: number;
  /** What the last probe moved the mean by, of what it was off. */
  readonly gain: number;
}

/**
 * Speed of the run that follows a probe, from it and from the runs and probes before: how fast the machine drifts, how far a run wanders and how much a
 * probe knows are learned from them.
 *
 * Model: ln(time) is a random walk; a run and the probe before it are two readings of it, each with an error of its own. A run is therefore known better
 * from both than from the better of the two, but for its own wandering, which nothing before it can tell. Drift, the two errors and whether the machine
 * jumped since the last run are unknown: a Kalman filter for each combination of `DRIFTS`, `RUN_DEVIATIONS`, `PROBE_DEVIATIONS`, weighed by how well it
 * foretold what was seen; the interval is a Student's t with the variance and the fourth moment of the mixture. Complexity: O(runs) for each of 300.
 */
export function speedAfterProbe(seen: readonly SeenRun[], shown: number): FollowedSpeed {
  const inOrder = [...seen].sort((a, b) => b.age - a.age);
  const components: Component[] = [];
  for (const drift of DRIFTS) {
    for (const run of RUN_DEVIATIONS) {
      for (const probe of PROBE_DEVIATIONS) {
        const logWeight = ln(drift.weight * run.weight * probe.weight);
        const machine = { drift: drift.value, run: run.value * run.value, probe: probe.value * probe.value };
        const past = filtered(inOrder, machine);
        components.push(nowOf(past, { machine, shown, jump: 0, logWeight: logWeight + ln(1 - JUMP_CHANCE) }));
        components.push(nowOf(past, { machine, shown, jump: DRIFT_VARIANCE_MAX, logWeight: logWeight + ln(JUMP_CHANCE) }));
      }
    }
  }
  return mixed(components);
}

interface Machine {
  readonly drift: number;
  /** Variances of the two readings. */
  readonly run: number;
  readonly probe: number;
}

/** What is known of the machine now, before the last probe. */
function filtered(seen: readonly SeenRun[], { drift, run, probe }: Machine): State {
  const state: State = { mean: 0, variance: UNKNOWN_VARIANCE, logLikelihood: 0 };
  let age = seen[0]?.age ?? 0;
  for (const one of seen) {
    state.variance += Math.min(DRIFT_VARIANCE_MAX, drift * Math.max(0, age - one.age));
    age = one.age;
    if (one.probe !== undefined) read(state, one.probe, probe);
    read(state, one.run, run);
  }
  state.variance += Math.min(DRIFT_VARIANCE_MAX, drift * Math.max(0, age));
  return state;
}

function nowOf(past: State, now: { machine: Machine; shown: number; jump: number; logWeight: number }): Component {
  const { machine, shown, jump, logWeight } = now;
  const state = { ...past, variance: past.variance + jump };
  const gain = read(state, shown, machine.probe);
  return { mean: state.mean, variance: state.variance + machine.run, logWeight: logWeight + state.logLikelihood, gain };
}

/** Takes in one reading; gives the weight it got. */
function read(state: State, value: number, error: number): Ratio {
  const variance = state.variance + error;
  const off = value - state.mean;
  const gain = state.variance / variance;
  state.logLikelihood -= (ln(variance) + (off * off) / variance) / 2;
  state.mean += gain * off;
  state.variance *= 1 - gain;
  return gain;
}

function mixed(components: readonly Component[]): FollowedSpeed {
  const most = components.reduce((top, { logWeight }) => Math.max(top, logWeight), -Infinity);
  const weights = components.map(({ logWeight }) => exp(logWeight - most));
  const total = weights.reduce((sum, one) => sum + one, 0);
  const over = (of: (one: Component) => number): number =>
    components.reduce((sum, one, index) => sum + weights[index]! * of(one), 0) / total;
  const centre = over(({ mean }) => mean);
  const squared = ({ mean }: Component): number => (mean - centre) * (mean - centre);
  const variance = over((one) => one.variance + squared(one));
  const fourth = over((one) => 3 * one.variance * one.variance + 6 * one.variance * squared(one) + squared(one) * squared(one));
  const excess = fourth / (variance * variance) - 3;
  const freedom = excess <= 0 ? FREEDOM_MAX : Math.min(FREEDOM_MAX, Math.max(FREEDOM_MIN, Math.round(4 + 6 / excess)));
  const scale = Math.sqrt((variance * (freedom - 2)) / freedom);
  return {
    factor: exp(centre),
    spread: { systematic: exp(scale * studentQuantile(0.95, freedom)) - 1, freedom },
    probeWeight: over(({ gain }) => gain),
  };
}
