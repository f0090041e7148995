import type { Nanoseconds } from "../../base/units.ts";
import type { ObservedStep } from "../calibrate/watch-steps.ts";
import type { FromHost } from "../replica-host/host-protocol.ts";

/** A host that has not answered by then is left out. Units: ms. */
const ANSWER_MS = 2_000;

/** Collects what the hosts of a fleet observed, one question at a time. */
export interface Observations {
  /** `askHost` asks a replica's host and says whether there is one. */
  ask(askHost: (replica: number) => boolean): Promise<readonly (readonly ObservedStep[])[]>;
  /** A host's answer, as it came at `at` on the front end's clock. */
  answered(replica: number, answer: Extract<FromHost, { type: "observed" }>, at: Nanoseconds): void;
}

interface Question {
  readonly waiting: Set<number>;
  readonly steps: (readonly ObservedStep[])[];
  readonly end: () => void;
}

export function createObservations(replicas: number): Observations {
  let asked: Question | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const question = (askHost: (replica: number) => boolean): Promise<readonly (readonly ObservedStep[])[]> =>
    new Promise((resolve) => {
      const steps = Array.from({ length: replicas }, (): readonly ObservedStep[] => []);
      const waiting = new Set<number>();
      for (let replica = 0; replica < replicas; replica++) if (askHost(replica)) waiting.add(replica);
      const end = (): void => {
        clearTimeout(timer);
        asked = undefined;
        resolve(steps);
      };
      const timer = setTimeout(end, ANSWER_MS);
      asked = { waiting, steps, end };
      if (waiting.size === 0) end();
    });

  return {
    ask: (askHost) => {
      const answer = last.then(() => question(askHost));
      last = answer;
      return answer;
    },
    answered: (replica, { now, steps }, at) => {
      if (asked === undefined || !asked.waiting.delete(replica)) return;
      // A host's clock begins with its process; its answer is late by the latency of a message and no more.
      const offset = at - now;
      asked.steps[replica] = steps.map((step) => ({ ...step, startNs: step.startNs + offset, endNs: step.endNs + offset }));
      if (asked.waiting.size === 0) asked.end();
    },
  };
}
