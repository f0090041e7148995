import { exp, ln } from "../base/math.ts";
import { counterFloat, mix32 } from "../base/prng.ts";
import type { OperatorClass } from "./operator-class.ts";
import type { Rack } from "./rack.ts";

/** How far an emulated device may be from its figures: a factor on its speed for a class of operators, and one on a link's. */
export const SPEED_RANGE = [0.6, 1.6] as const;
export const LINK_RANGE = [0.5, 2] as const;

/** What an emulated rack is really like. Drivers, simulator and benches draw it alike; no device tells it. */
export interface HiddenDeviations {
  /** Speed of a device on a class of operators as a multiple of its figures. */
  speed(device: string, operators: OperatorClass): number;
  /** Speed of a link as a multiple of its figures, in either direction. */
  link(from: string, to: string): number;
}

/**
 * The deviations of a seed.
 *
 * Model: log-uniform between the ends of the range, so that half as fast and twice as fast are alike; a draw is a function of seed and names alone,
 * so neither order nor the rest of the rack matters.
 */
export function hiddenDeviations(seed: number): HiddenDeviations {
  return {
    speed: (device, operators) => draw(seed, ["speed", device, operators], SPEED_RANGE),
    link: (from, to) => draw(seed, ["link", ...[from, to].sort()], LINK_RANGE),
  };
}

/** Of the devices and links of a rack: an end without a seed draws nothing; a link takes the seed of its first end that has one. */
export function rackDeviations({ devices }: Pick<Rack, "devices">): HiddenDeviations {
  const seedOf = (id: string): number | undefined => devices.find((device) => device.id === id)?.emulation?.deviationSeed;
  return {
    speed: (device, operators) => {
      const seed = seedOf(device);
      return seed === undefined ? 1 : hiddenDeviations(seed).speed(device, operators);
    },
    link: (from, to) => {
      const [first, second] = [from, to].sort();
      const seed = seedOf(first!) ?? seedOf(second!);
      return seed === undefined ? 1 : hiddenDeviations(seed).link(from, to);
    },
  };
}

function draw(seed: number, names: readonly string[], [low, high]: readonly [number, number]): number {
  const share = counterFloat(seed, hashOf(names));
  return exp(ln(low) + share * (ln(high) - ln(low)));
}

/** 32 bits of the names, with what parts them. */
function hashOf(names: readonly string[]): number {
  let hash = names.length;
  for (const name of names) {
    hash = mix32(hash ^ name.length);
    for (let i = 0; i < name.length; i++) hash = mix32(Math.imul(hash, 31) + name.charCodeAt(i));
  }
  return hash;
}
