// Goal: no policy, however wrong, breaks tokens, memory or progress. Method: policies that fail in every way, and random ones, drive the engine.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReplicaRig, tokenOf } from "../../test/support/replica-rig.ts";
import type { BatchingChoice, BatchingPolicy, BatchingView } from "../policy/batching.ts";

const NOTHING: BatchingChoice = { admit: [], preempt: [], decode: [], prefill: [] };

function policy(decide: (view: BatchingView) => BatchingChoice): BatchingPolicy {
  return { name: "wrong", initial: null, decide: (view, own) => ({ choice: decide(view), own }) };
}

/** Serves six requests under memory pressure and returns what the engine counted. */
function serve(batching: BatchingPolicy): { policyRefusals: number; policyFallbacks: number; preemptions: number } {
  const rig = new ReplicaRig({ workingPages: 9, contextLimit: 512, maxSequences: 3 }, { batching, shared: 1 });
  for (let request = 0; request < 6; request++) rig.submit(request, { promptTokens: 50 + 30 * request, maxNewTokens: 30 });
  rig.drain();
  for (let request = 0; request < 6; request++) {
    expect(rig.tokens(request)).toEqual(Array.from({ length: 30 }, (_, index) => tokenOf(request, index)));
  }
  return rig.engine.snapshot().counts;
}

const requests = (list: BatchingView["running"] | BatchingView["waiting"]): number[] =>
  Array.from({ length: list.length }, (_, i) => list.at(i).request);

describe("a wrong policy", () => {
  it("that chooses nothing is overruled", () => {
    expect(serve(policy(() => NOTHING)).policyFallbacks).toBeGreaterThan(0);
  });

  it("that never admits is overruled", () => {
    const decodesOnly = policy((view) => ({ ...NOTHING, decode: requests(view.running).filter((_, i) => view.running.at(i).decoding) }));
    expect(serve(decodesOnly).policyFallbacks).toBeGreaterThan(0);
  });

  it("that throws is replaced for the step", () => {
    const throws = policy(() => {
      throw new RangeError("wrong");
    });
    expect(serve(throws).policyFallbacks).toBeGreaterThan(0);
  });

  it("that looks without end is stopped", () => {
    const looks = policy((view) => {
      for (;;)
        if (view.waiting.length > 0) view.waiting.at(0);
        else if (view.running.length > 0) view.running.at(0);
        else return NOTHING;
    });
    expect(serve(looks).policyFallbacks).toBeGreaterThan(0);
  });

  it("that preempts all the time cannot keep requests from ending", () => {
    const churns = policy((view) => ({
      admit: requests(view.waiting),
      preempt: requests(view.running),
      decode: [],
      prefill: requests(view.waiting).map((request) => ({ request, tokens: 500 })),
    }));
    const counts = serve(churns);
    expect(counts.preemptions).toBeGreaterThan(0);
    expect(counts.policyRefusals).toBeGreaterThan(0);
  });

  it("that chooses everything at once, twice, and what there is not, is cut to what can be done", () => {
    const all = policy((view) => {
      const names = [...requests(view.running), ...requests(view.waiting), 99, -1, Number.NaN];
      return { admit: names, preempt: [99], decode: [...names, ...names], prefill: names.map((request) => ({ request, tokens: 1e9 })) };
    });
    expect(serve(all).policyRefusals).toBeGreaterThan(0);
  });

  it("that returns no lists is taken as choosing nothing", () => {
    const shapeless = policy(() => ({ admit: "all", decode: 3, prefill: null }) as unknown as BatchingChoice);
    expect(serve(shapeless).policyRefusals).toBeGreaterThan(0);
  });

  it("that rolls dice is survived", () => {
    const dice = fc.record({
      admit: fc.array(fc.nat(7), { maxLength: 4 }),
      preempt: fc.array(fc.nat(7), { maxLength: 2 }),
      decode: fc.array(fc.nat(7), { maxLength: 6 }),
      prefill: fc.array(fc.record({ request: fc.nat(7), tokens: fc.constantFrom(-1, 0, 0.5, 1, 7, 64, 1000) }), { maxLength: 5 }),
    });
    fc.assert(
      fc.property(fc.array(dice, { minLength: 1, maxLength: 12 }), (choices) => {
        let turn = 0;
        serve(policy(() => choices[turn++ % choices.length]!));
      }),
      { numRuns: 60, seed: 5 },
    );
  });
});
