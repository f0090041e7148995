import { exp } from "../../base/math.ts";

/** What failures cost a long run. */
export interface FailureCosts {
  /** Time to write a checkpoint while nothing is computed. Units: s. */
  readonly writeSeconds: number;
  /** Time from a failure until steps go on: found, replaced, read back. Units: s. */
  readonly restartSeconds: number;
  /** Mean time between failures of one device. Units: s. */
  readonly deviceMeanSeconds: number;
  readonly devices: number;
}

/**
 * Mean time between interruptions of one device: 419 unexpected ones in 54 days of 16,384 H100.
 *
 * Source: Llama Team, The Llama 3 Herd of Models, arXiv:2407.21783, 2024, section 3.3.4. Units: s.
 */
export const LLAMA3_DEVICE_MEAN_SECONDS = (54 * 86_400 * 16_384) / 419;

export interface CheckpointPlan {
  readonly intervalSeconds: number;
  /** Share of the wall time in which steps advance that are not lost again. */
  readonly goodput: number;
  readonly failuresADay: number;
}

/**
 * Checkpoint interval that loses least, and what is left of the time.
 *
 * Model: failures without memory; interval of Daly (2006), equation 37, whose first term is Young's (1974); wall time of Daly's equation 20.
 */
export function planCheckpoints(costs: FailureCosts): CheckpointPlan {
  const mean = costs.deviceMeanSeconds / costs.devices;
  const intervalSeconds = checkpointInterval(costs.writeSeconds, mean);
  return { intervalSeconds, goodput: goodput(costs, intervalSeconds), failuresADay: 86_400 / mean };
}

/** Daly's interval between the ends of checkpoints. Units: s. */
export function checkpointInterval(writeSeconds: number, meanSeconds: number): number {
  if (writeSeconds >= 2 * meanSeconds) return meanSeconds;
  const ratio = writeSeconds / (2 * meanSeconds);
  return Math.sqrt(2 * writeSeconds * meanSeconds) * (1 + Math.sqrt(ratio) / 3 + ratio / 9) - writeSeconds;
}

/** Useful share of the wall time with an interval. */
export function goodput(costs: FailureCosts, intervalSeconds: number): number {
  const mean = costs.deviceMeanSeconds / costs.devices;
  if (!(intervalSeconds > 0)) return 0;
  const wall = mean * exp(costs.restartSeconds / mean) * (exp((intervalSeconds + costs.writeSeconds) / mean) - 1);
  return intervalSeconds / wall;
}
