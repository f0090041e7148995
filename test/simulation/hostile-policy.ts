import { mix32, seededPrng } from "../../src/base/prng.ts";
import type { BatchingChoice, BatchingPolicy, BatchingView } from "../../src/policy/batching.ts";
import { chunkedPrefill } from "../../src/policy/policies/chunked-prefill.ts";

/**
 * A batching policy that is wrong in every way the engine must survive: it names requests that are not there, asks for the impossible, leaves work
 * undone, preempts at will, throws, and looks without end. Pure: what it does next follows from its own state.
 */
export const hostilePolicy: BatchingPolicy<number> = {
  name: "hostile",
  initial: 1,
  decide: (view, own, context) => {
    const turn = mix32(own);
    const prng = seededPrng(turn);
    const mood = prng.nextBelow(12);
    if (mood === 0) throw new Error("a policy with a bug");
    if (mood === 1) for (let i = 0; ; i = (i + 1) % Math.max(1, view.running.length)) view.running.at(i);
    if (mood === 2) return { choice: { admit: [], preempt: [], decode: [], prefill: [] }, own: turn };
    // Now and then it is right, so that runs end in good time.
    if (mood > 7) return { choice: chunkedPrefill.decide(view, null, context).choice, own: turn };
    return { choice: nonsense(view, prng.nextBelow), own: turn };
  },
};

function nonsense(view: BatchingView, below: (bound: number) => number): BatchingChoice {
  const running = Array.from({ length: Math.min(8, view.running.length) }, (_, i) => view.running.at(i).request);
  const waiting = Array.from({ length: Math.min(8, view.waiting.length) }, (_, i) => view.waiting.at(i).request);
  const any = [...running, ...waiting, below(50), -1, 0.5, Number.NaN];
  const some = (list: readonly number[]): number[] => list.filter(() => below(2) === 0);
  return {
    admit: some(below(2) === 0 ? waiting : any),
    preempt: below(4) === 0 ? some(any) : [],
    decode: some(below(2) === 0 ? running : any),
    prefill: some(any).map((request) => ({ request, tokens: [1, 17, 64, 1000, -3, 0, 1.5, Number.NaN][below(8)]! })),
  };
}
