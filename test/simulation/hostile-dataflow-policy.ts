import { mix32, seededPrng } from "../../src/base/prng.ts";
import type { CandidateView, DataflowPolicy } from "../../src/policy/dataflow-policy.ts";
import { earliestFinish } from "../../src/policy/policies/earliest-finish.ts";

/**
 * A placement policy that is wrong in every way the engine must survive: it names candidates that are not there, too few, too many or of unlike
 * devices, lets everything wait, throws, and looks without end. Pure: what it does follows from the task and the time.
 */
export const hostileDataflowPolicy: DataflowPolicy = {
  name: "hostile",
  urgency: ({ task }) => {
    const mood = mix32(task) % 5;
    if (mood === 0) throw new TypeError("a policy with a bug");
    return [Number.NaN, Infinity, -task, task][mood - 1]!;
  },
  schedule: (batch) => {
    const prng = seededPrng(mix32(batch.kind.length * 131 + batch.devices));
    const count = batch.kind.length;
    const any = (): Float64Array => Float64Array.from({ length: count }, () => prng.nextBelow(1e6));
    const device = batch.kind.map((kind) =>
      batch.unitNs.subarray(kind * batch.devices, (kind + 1) * batch.devices).findIndex(Number.isFinite),
    );
    const mood = prng.nextBelow(6);
    batch.classOf.fill(99);
    batch.memoryOf.fill(99);
    if (mood === 0) throw new TypeError("a policy with a bug");
    if (mood === 1) return null as unknown as undefined;
    if (mood === 2) return { device: device.fill(batch.devices), startNs: any(), endNs: any(), lengthNs: 1 };
    if (mood === 3) return { device, startNs: any().fill(Number.NaN), endNs: any(), lengthNs: 1 };
    // Times in no order at all: whoever waits for what is to come waits in rings.
    return { device, startNs: any(), endNs: any(), lengthNs: 1e6 };
  },
  place: (task, candidates, parameters) => {
    const prng = seededPrng(mix32(task.task * 31 + Math.floor(task.now)));
    switch (prng.nextBelow(9)) {
      case 0:
        throw new TypeError("a policy with a bug");
      case 1:
        for (let i = 0; ; i = (i + 1) % candidates.length) candidates.at(i);
      case 2:
        return [];
      case 3:
        return [-1, 0.5, Number.NaN, candidates.length].slice(prng.nextBelow(4));
      case 4:
        return new Array<number>(task.gang).fill(prng.nextBelow(candidates.length));
      case 5:
        return null as unknown as number[];
      case 6: {
        // What it sees is the engine's own: changing it must change nothing.
        (candidates.at(0) as { -readonly [K in keyof CandidateView]: CandidateView[K] }).device = 0;
        return [0];
      }
      case 7:
        return Array.from({ length: task.gang }, () => prng.nextBelow(candidates.length));
      default:
        return earliestFinish.place(task, candidates, parameters);
    }
  },
};
