// Goal: chunks keep running streams within their stretch, and streams are divided over stages only where that pays. Method: costs with known answers.
import { describe, expect, it } from "vitest";
import { LINEAR_COST, TEST_POLICY } from "../../../test/support/replica-rig.ts";
import type { Priced } from "../../cost/priced.ts";
import type { StepCost, StepShape } from "../../cost/step-cost.ts";
import { PROMPT_TOKENS, promptCost } from "../../plan/predict.ts";
import type { BatchingChoice, RunningView, WaitingView } from "../batching.ts";
import { chunkedPrefill } from "./chunked-prefill.ts";
import { stepNs, streamsPerTask } from "./step-price.ts";

const stream = (request: number, inFlight = false): RunningView => ({
  request,
  lane: request,
  context: 100,
  remaining: 1,
  decoding: true,
  inFlight,
});
const prompt = (request: number, remaining: number): RunningView => ({
  request,
  lane: request,
  context: 0,
  remaining,
  decoding: false,
  inFlight: false,
});
const waiting = (request: number, knownTokens: number): WaitingView => ({
  request,
  priority: 0,
  knownTokens,
  cachedTokens: 0,
  waitingNs: 0,
});

function choose(
  running: RunningView[],
  queue: WaitingView[] = [],
  stages = 1,
  maxChunkTokens = TEST_POLICY.maxChunkTokens,
): BatchingChoice {
  const view = {
    running: { length: running.length, at: (i: number) => running[i]! },
    waiting: { length: queue.length, at: (i: number) => queue[i]! },
    freeLanes: 4,
    stages,
    tasksInFlight: 0,
  };
  return chunkedPrefill.decide(view, null, { parameters: { ...TEST_POLICY, maxChunkTokens }, cost: LINEAR_COST }).choice;
}

describe("chunked prefill", () => {
  it("takes as many prompt tokens as the budget allows when nothing streams", () => {
    expect(choose([prompt(0, 60), prompt(1, 100)]).prefill).toEqual([
      { request: 0, tokens: 60 },
      { request: 1, tokens: 64 },
    ]);
  });

  it.each([64, 100, 256, 512])("cuts a prompt alone as the planner prices it, by %i", (maxChunkTokens) => {
    const priced: StepShape["prefill"][number][] = [];
    const step = ({ prefill }: StepShape): Priced => {
      priced.push(...prefill);
      return { ns: 1, spread: 0, basis: "measured" };
    };
    promptCost({ step }, maxChunkTokens);
    const cut: typeof priced = [];
    for (let context = 0; context < PROMPT_TOKENS; ) {
      const [row] = choose([{ ...prompt(0, PROMPT_TOKENS - context), context }], [], 1, maxChunkTokens).prefill;
      cut.push({ count: row!.tokens, context });
      context += row!.tokens;
    }
    expect(priced).toEqual(cut);
  });

  it("cuts a prompt at the same places whether its beginning was cached or not", () => {
    const cuts = (from: number, known: number): number[] => {
      const ends: number[] = [];
      for (let at = from; at < known; ) {
        const [row] = choose([{ ...prompt(0, known - at), context: at }]).prefill;
        at += row?.tokens ?? known;
        ends.push(at);
      }
      return ends;
    };
    // Multiples of the chunk size of 128, and the end of the last block another prompt can share.
    expect(cuts(0, 300)).toEqual([128, 256, 300]);
    expect(cuts(0, 340)).toEqual([128, 256, 320, 340]);
    expect(cuts(192, 340)).toEqual([256, 320, 340]);
    expect(cuts(0, 64)).toEqual([64]);
    expect(cuts(0, 65)).toEqual([64, 65]);
  });

  it("cuts a chunk where the iteration would stretch too far", () => {
    const { decode, prefill } = choose([stream(0), prompt(1, 500)]);
    expect(decode).toEqual([0]);
    expect(prefill).toEqual([{ request: 1, tokens: 96 }]);
    const base = stepNs(LINEAR_COST, { stages: 1, decodeContexts: [100], prefill: [] });
    const whole = stepNs(LINEAR_COST, { stages: 1, decodeContexts: [100], prefill: [{ count: 96, context: 0 }] });
    expect(whole).toBeLessThanOrEqual(base * TEST_POLICY.maxStepStretch);
  });

  it("takes the smallest chunk where even that stretches too far, so that prompts get on", () => {
    const parameters = { ...TEST_POLICY, maxStepStretch: 1 };
    const running = [stream(0), prompt(1, 500)];
    const view = {
      running: { length: 2, at: (i: number) => running[i]! },
      waiting: { length: 0, at: () => waiting(0, 1) },
      freeLanes: 0,
      stages: 1,
      tasksInFlight: 0,
    };
    expect(chunkedPrefill.decide(view, null, { parameters, cost: LINEAR_COST }).choice.prefill).toEqual([{ request: 1, tokens: 16 }]);
  });

  it("counts streams of other tasks in flight", () => {
    expect(choose([stream(0, true), prompt(1, 500)], [], 2).prefill[0]!.tokens).toBeLessThan(128);
  });

  it("admits in order while the budget lasts", () => {
    const { admit, prefill } = choose([], [waiting(5, 50), waiting(6, 50), waiting(7, 50), waiting(8, 50)]);
    expect(admit).toEqual([5, 6, 7]);
    expect(prefill.map((row) => row.tokens)).toEqual([50, 50, 28]);
  });
});

describe("streams of one task", () => {
  const cost = (perStreamNs: number, fixedNs: number): StepCost => ({
    stageNs: (_stage, shape) => fixedNs + perStreamNs * shape.decodeContexts.length,
    handOverNs: () => 0,
    spread: { systematic: 0, noise: 0 },
  });

  it("are divided where a stage's time is that of its rows", () => {
    expect(streamsPerTask(cost(100, 1), 2, [1, 1, 1, 1])).toBe(2);
  });

  it("stay together where a stage's time is that of reading its weights", () => {
    expect(streamsPerTask(cost(1, 1000), 2, [1, 1, 1, 1])).toBe(4);
    expect(streamsPerTask(cost(100, 1), 1, [1, 1, 1])).toBe(3);
  });
});
