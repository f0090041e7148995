import { exp, ln } from "../../base/math.ts";

/** How a board's power follows what it does. Shares are ratios of its power figure. */
export interface PowerConstants {
  /** Share it takes with nothing to do. */
  readonly idle: number;
  /** Share that memory takes at its full rate, and multipliers at their peak, on top. */
  readonly memory: number;
  readonly compute: number;
  /** Power rises with this power of utilisation: half the work takes more than half of the dynamic power. */
  readonly exponent: number;
  /** 90 % half-width. */
  readonly spread: number;
}

/**
 * Constants of the A100.
 *
 * Source: splitwise-profile, average power of Llama-2-70B at TP 2, 4, 8 and BLOOM-176B at TP 8 (prompts to 1,024 tokens, batch 1 to 16): 1.8 % median
 * and 3.8 % p90 with each model and TP left out in turn. Idle is what that profile shows where a run failed to load the boards (0.17). The compute share is
 * told by prompts alone, which are 2 to 30 % of those runs.
 */
export const A100_POWER: PowerConstants = { idle: 0.17, memory: 0.74, compute: 0.8, exponent: 0.65, spread: 0.08 };

/** Constants for boards whose power nobody measured here: those of the A100, with bars that say so. */
export const ASSUMED_POWER: PowerConstants = { ...A100_POWER, spread: 0.3 };

/** What a board does over some time: achieved over data-sheet rates, 0 to 1. */
export interface Utilisation {
  readonly memory: number;
  readonly compute: number;
}

/** Share of its power figure that a board draws, at most 1: the figure is a limit that clocks obey. */
export function powerShare(constants: PowerConstants, utilisation: Utilisation): number {
  const { idle, memory, compute, exponent } = constants;
  const drawn = idle + memory * power(utilisation.memory, exponent) + compute * power(utilisation.compute, exponent);
  return drawn < 1 ? drawn : 1;
}

function power(base: number, exponent: number): number {
  return base > 0 ? exp(exponent * ln(base)) : 0;
}
