import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BatchingChoice, BatchingPolicy, BatchingView, CountedList, RunningView, WaitingView } from "../../src/policy/batching.ts";
import type { ReplicaView, RoutingPolicy } from "../../src/policy/routing.ts";
import { LINEAR_COST, ReplicaRig, TEST_POLICY, tokenOf } from "../support/replica-rig.ts";

/** What every batching policy of the product promises beyond what the engine enforces: sound, deterministic choices within its budget. */
export function batchingSuite(policy: BatchingPolicy): void {
  describe(`batching policy ${policy.name}`, () => {
    const decide = (view: BatchingView): BatchingChoice =>
      policy.decide(view, policy.initial, { parameters: TEST_POLICY, cost: LINEAR_COST }).choice;

    it("chooses only what can be done", () => {
      fc.assert(
        fc.property(scene, (given) => {
          const choice = decide(viewOf(given));
          const idle = new Map(given.running.filter((one) => !one.inFlight).map((one) => [one.request, one]));
          const waiting = new Map(given.waiting.map((one) => [one.request, one]));
          expect(choice.admit.length).toBeLessThanOrEqual(given.freeLanes);
          for (const request of choice.decode) expect(idle.get(request)?.decoding).toBe(true);
          let tokens = 0;
          for (const row of choice.prefill) {
            const running = idle.get(row.request);
            const admitted = choice.admit.includes(row.request) ? waiting.get(row.request) : undefined;
            const most = running?.remaining ?? admitted!.knownTokens - admitted!.cachedTokens;
            expect(running?.decoding ?? false).toBe(false);
            expect(row.tokens >= 1 && row.tokens <= most).toBe(true);
            tokens += row.tokens;
          }
          expect(tokens).toBeLessThanOrEqual(TEST_POLICY.maxChunkTokens);
          const names = [...choice.decode, ...choice.prefill.map((row) => row.request)];
          expect(new Set(names).size).toBe(names.length);
        }),
        { numRuns: 300, seed: 1 },
      );
    });

    it("finds something to do on an idle replica with work", () => {
      fc.assert(
        fc.property(scene, (given) => {
          const running = given.running.map((one) => ({ ...one, inFlight: false }));
          if (running.length === 0 && given.waiting.length === 0) return;
          const choice = decide(viewOf({ ...given, running, tasksInFlight: 0, freeLanes: Math.max(1, given.freeLanes) }));
          expect(choice.decode.length + choice.prefill.length).toBeGreaterThan(0);
        }),
        { numRuns: 200, seed: 2 },
      );
    });

    it("decides alike in equal situations and leaves its view alone", () => {
      fc.assert(
        fc.property(scene, (given) => {
          const before = structuredClone(given);
          expect(decide(viewOf(given))).toEqual(decide(viewOf(before)));
          expect(given).toEqual(before);
        }),
        { numRuns: 100, seed: 3 },
      );
    });

    it("serves every request of a crowd without a fallback or a refusal", () => {
      const rig = new ReplicaRig({ workingPages: 12, contextLimit: 512, stages: 2 }, { batching: policy, shared: 2 });
      for (let request = 0; request < 12; request++) rig.submit(request, { promptTokens: 30 + 17 * request, maxNewTokens: 40 });
      rig.drain();
      for (let request = 0; request < 12; request++) {
        expect(rig.tokens(request)).toEqual(Array.from({ length: 40 }, (_, index) => tokenOf(request, index)));
      }
      expect(rig.engine.snapshot().counts).toMatchObject({ policyRefusals: 0, policyFallbacks: 0 });
    });
  });
}

/** What every routing policy of the product promises: a price for each candidate, cheapest first, equal prices by id. */
export function routingSuite(policy: RoutingPolicy): void {
  describe(`routing policy ${policy.name}`, () => {
    it("prices every candidate, cheapest first, ties by id, whatever their order", () => {
      fc.assert(
        fc.property(fc.array(candidate, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 2000 }), (facts, promptTokens) => {
          const views = facts.map(
            (one, replica): ReplicaView => ({
              ...one,
              replica,
              cachedTokens: Math.min(one.cachedTokens, promptTokens - 1),
              cost: LINEAR_COST,
            }),
          );
          const request = { promptTokens, maxNewTokens: 100, expectedTokens: 50 };
          const prices = policy.price(request, views);
          expect(prices.map((price) => price.replica).sort((a, b) => a - b)).toEqual(views.map((view) => view.replica));
          for (let i = 1; i < prices.length; i++) {
            const [before, after] = [prices[i - 1]!, prices[i]!];
            expect(before.totalNs < after.totalNs || (before.totalNs === after.totalNs && before.replica < after.replica)).toBe(true);
          }
          for (const price of prices) {
            const { backlogNs, prefillNs, decodeNs, loadLeftNs } = price;
            for (const term of [backlogNs, prefillNs, decodeNs, loadLeftNs]) expect(term).toBeGreaterThanOrEqual(0);
            expect(price.totalNs).toBe(backlogNs + prefillNs + decodeNs + loadLeftNs);
          }
          expect(policy.price(request, [...views].reverse())).toEqual(prices);
        }),
        { numRuns: 200, seed: 4 },
      );
    });
  });
}

const running: fc.Arbitrary<Omit<RunningView, "request" | "lane">> = fc
  .record({
    context: fc.integer({ min: 1, max: 900 }),
    decoding: fc.boolean(),
    left: fc.integer({ min: 1, max: 500 }),
    inFlight: fc.boolean(),
  })
  .map(({ context, decoding, left, inFlight }) => ({ context, decoding, remaining: decoding ? 1 : left, inFlight }));
const waiting: fc.Arbitrary<Omit<WaitingView, "request">> = fc
  .record({
    priority: fc.integer({ min: 0, max: 2 }),
    knownTokens: fc.integer({ min: 1, max: 900 }),
    hits: fc.integer({ min: 0, max: 14 }),
  })
  .map(({ priority, knownTokens, hits }) => ({
    priority,
    knownTokens,
    cachedTokens: Math.min(hits, Math.floor((knownTokens - 1) / 64)) * 64,
    waitingNs: 0,
  }));

interface Scene {
  readonly running: readonly RunningView[];
  readonly waiting: readonly WaitingView[];
  readonly freeLanes: number;
  readonly stages: number;
  readonly tasksInFlight: number;
}

const scene: fc.Arbitrary<Scene> = fc
  .record({
    running: fc.array(running, { maxLength: 8 }),
    waiting: fc.array(waiting, { maxLength: 8 }),
    freeLanes: fc.integer({ min: 0, max: 4 }),
    stages: fc.integer({ min: 1, max: 3 }),
  })
  .map((given) => ({
    ...given,
    running: given.running.map((one, i) => ({ ...one, request: i, lane: i })),
    waiting: given.waiting.map((one, i) => ({ ...one, request: 100 + i })),
    tasksInFlight: given.running.some((one) => one.inFlight) ? 1 : 0,
  }));

const candidate = fc.record({
  assigned: fc.integer({ min: 0, max: 20 }),
  maxSequences: fc.integer({ min: 1, max: 16 }),
  backlogTokens: fc.integer({ min: 0, max: 4000 }),
  cachedTokens: fc.integer({ min: 0, max: 20 }).map((blocks) => blocks * 64),
  meanContextTokens: fc.integer({ min: 0, max: 2000 }),
  stages: fc.integer({ min: 1, max: 3 }),
});

function viewOf(given: Scene): BatchingView {
  const budget = { left: 64 + 4 * (given.running.length + given.waiting.length) };
  return { ...given, running: counted(given.running, budget), waiting: counted(given.waiting, budget) };
}

function counted<T>(items: readonly T[], budget: { left: number }): CountedList<T> {
  return {
    length: items.length,
    at: (index) => {
      expect(budget.left--).toBeGreaterThan(0);
      expect(index).toBeLessThan(items.length);
      return items[index]!;
    },
  };
}
