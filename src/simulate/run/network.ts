import type { Prng } from "../../base/prng.ts";
import type { Nanoseconds, Ratio } from "../../base/units.ts";
import type { Clock } from "../../clock/clock.ts";

/** How messages between the front end and the hosts travel. */
export interface NetworkProfile {
  readonly latencyNs: Nanoseconds;
  /** Added to each message, uniform between 0 and this; above the gap between two messages it changes their order. */
  readonly jitterNs: Nanoseconds;
  /** Share of messages lost, and share that arrives twice. */
  readonly loss: Ratio;
  readonly duplication: Ratio;
  /** Share of messages that take `delayNs` longer. */
  readonly delayed: Ratio;
  readonly delayNs: Nanoseconds;
}

/** Messages over pipes of one machine: they take their time, but none is lost and none overtakes another. */
export function quietNetwork(latencyNs: Nanoseconds): NetworkProfile {
  return { latencyNs, jitterNs: 0, loss: 0, duplication: 0, delayed: 0, delayNs: 0 };
}

export interface Network {
  /** Calls `arrive` when the message arrives: never, once or twice, each time later. */
  send(arrive: () => void): void;
}

/** A network between the fleet and hosts that delays, loses, doubles and reorders messages as the profile says, drawn from `prng`. */
export function createNetwork(profile: NetworkProfile, clock: Clock, prng: Prng): Network {
  const quiet = profile.jitterNs === 0 && profile.loss === 0 && profile.duplication === 0 && profile.delayed === 0;
  const delay = (): Nanoseconds => {
    const late = prng.nextFloat() < profile.delayed ? profile.delayNs : 0;
    return profile.latencyNs + Math.round(prng.nextFloat() * profile.jitterNs) + late;
  };
  return {
    send: (arrive) => {
      if (quiet) {
        clock.schedule(clock.now() + profile.latencyNs, arrive);
        return;
      }
      if (prng.nextFloat() >= profile.loss) clock.schedule(clock.now() + delay(), arrive);
      if (prng.nextFloat() < profile.duplication) clock.schedule(clock.now() + delay(), arrive);
    },
  };
}
