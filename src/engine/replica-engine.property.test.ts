// Goal: tokens are conserved, pages and slots are sound and everything ends, whatever arrives, is cancelled or fails. Method: random scripts against an
// executor without tensors that checks every task (test/support/replica-rig.ts).
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReplicaRig, TEST_POLICY, tokenOf } from "../../test/support/replica-rig.ts";

type Action =
  | {
      readonly type: "submit";
      readonly promptTokens: number;
      readonly maxNewTokens: number;
      readonly priority: number;
      readonly stopAfter: number;
    }
  | { readonly type: "cancel"; readonly which: number }
  | { readonly type: "finish" }
  | { readonly type: "fail" };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("submit" as const),
      promptTokens: fc.integer({ min: 1, max: 260 }),
      maxNewTokens: fc.integer({ min: 1, max: 90 }),
      priority: fc.integer({ min: 0, max: 1 }),
      stopAfter: fc.integer({ min: 0, max: 120 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("cancel" as const), which: fc.nat(20) }) },
  { weight: 12, arbitrary: fc.constant({ type: "finish" as const }) },
  { weight: 1, arbitrary: fc.constant({ type: "fail" as const }) },
);

const setting = fc.record({
  stages: fc.integer({ min: 1, max: 3 }),
  maxSequences: fc.integer({ min: 1, max: 5 }),
  workingPages: fc.integer({ min: 8, max: 24 }),
  sealedSlots: fc.integer({ min: 0, max: 8 }),
  shared: fc.integer({ min: 0, max: 24 }).map((parts) => parts / 8),
  sealDecoded: fc.boolean(),
  maxChunkTokens: fc.constantFrom(1, 16, 100),
});

describe("a replica engine under random scripts", () => {
  it("conserves tokens and gives everything back", () => {
    fc.assert(
      fc.property(setting, fc.array(action, { maxLength: 120 }), ({ shared, maxChunkTokens, ...facts }, actions) => {
        const rig = new ReplicaRig({ ...facts, contextLimit: 400, policy: { ...TEST_POLICY, maxChunkTokens } }, { shared });
        const limits = new Map<number, number>();
        for (const step of actions) {
          if (step.type === "finish") rig.finishOne();
          else if (step.type === "fail") rig.failOne();
          else if (step.type === "cancel") rig.cancel(step.which);
          else {
            const request = limits.size;
            limits.set(request, step.maxNewTokens);
            rig.stopAfter.set(request, step.stopAfter);
            rig.submit(request, step);
          }
        }
        rig.drain();
        for (const [request, limit] of limits) {
          const tokens = rig.tokens(request);
          expect(tokens).toEqual(tokens.map((_, index) => tokenOf(request, index)));
          expect(rig.ends(request)).toHaveLength(1);
          const end = rig.ends(request)[0]!;
          if (end.type !== "finished") continue;
          expect(end.generated).toBe(tokens.length);
          const stop = rig.stopAfter.get(request)!;
          if (end.reason === "length") expect(tokens.length).toBe(limit);
          if (end.reason === "stop") expect(tokens.length).toBe(stop);
        }
        const left = rig.engine.snapshot();
        expect([left.sequences.size, left.tasks.size, left.waiting.length, left.running.length, left.closing.length]).toEqual([
          0, 0, 0, 0, 0,
        ]);
        expect([...left.slots.leases].every((leases) => leases === 0)).toBe(true);
        expect([...left.lanes.pages].every((pages) => pages === 0)).toBe(true);
      }),
      { numRuns: 150, seed: 20_261_121 },
    );
  });
});
