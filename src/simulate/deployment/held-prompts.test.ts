// Goal: settings of a deployment that hold prompts back do to its run what they say. Method: the same load with and without them, iteration by iteration,
// beside a request that decodes throughout; leaping and single iterations must decide alike.
import { describe, expect, it } from "vitest";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { runServing } from "../serving/run-serving.ts";
import type { RequestColumns, ServingOutcome } from "../serving/serving-input.ts";
import { servingInputOf } from "./deployment-run.ts";
import { pricePool } from "./price-pool.ts";

const LATER = 60;
const PROMPT = 300;

/** One request decodes from the start to the end; the others come 70 ms after one another. */
const REQUESTS: RequestColumns = {
  count: LATER + 1,
  arrivalNs: Float64Array.from({ length: LATER + 1 }, (_none, i) => i * 70e6),
  promptTokens: new Int32Array(LATER + 1).fill(PROMPT),
  outputTokens: Int32Array.from({ length: LATER + 1 }, (_none, i) => (i === 0 ? 2000 : 40)),
  blockStart: new Int32Array(LATER + 2),
  blockIds: new Int32Array(0),
  blockTokens: 16,
};

interface Told {
  readonly outcome: ServingOutcome;
  /** Mean over the requests that come later. Units: ns. */
  readonly ttftNs: number;
  /** Prompts and decodes of each iteration up to the last prompt. */
  readonly iterations: readonly { readonly prompts: number; readonly decodes: number; readonly promptTokens: number }[];
}

function run(engine: string, pool = "", stepping: "leap" | "unit" = "leap"): Told {
  const { deployment } = readDeployment(
    `version: 1\nmodel: Llama-3.1-8B\npools:\n  - { device: h100-sxm, ${pool} engine: { maxBatchedTokens: 2048, ${engine} } }\n`,
  );
  const architecture = knownArchitecture(deployment.model)!;
  const priced = pricePool(deployment.pools[0]!, 0, { architecture, sheet: deviceSheet("h100-sxm") });
  if (!priced.ok) return expect.unreachable(priced.error.code);
  const seen: { prompts: number; decodes: number; promptTokens: number }[] = [];
  const input = servingInputOf(
    { deployment, architecture, pools: [priced.value], requests: REQUESTS },
    {
      seed: 1,
      stepping,
      onIteration: (_replica, _start, _end, shape) =>
        void seen.push({ prompts: shape.prefills, decodes: shape.decodes, promptTokens: shape.prefillTokens }),
    },
  );
  const outcome = runServing(input);
  let ttftNs = 0;
  for (let i = 1; i <= LATER; i++) ttftNs += (outcome.firstTokenNs[i]! - REQUESTS.arrivalNs[i]!) / LATER;
  return { outcome, ttftNs, iterations: seen.slice(0, seen.findLastIndex(({ prompts }) => prompts > 0) + 1) };
}

/** Iterations without prompts between those with some. */
function decodeRuns({ iterations }: Told): number[] {
  const runs: number[] = [];
  let length = 0;
  for (const { prompts } of iterations) {
    if (prompts === 0) length += 1;
    else {
      runs.push(length);
      length = 0;
    }
  }
  return runs.slice(1);
}

describe("prompts held back by a deployment", () => {
  it("wait for SGLang's next look at its queue, and decodes go undisturbed in between", () => {
    const plain = run("name: sglang");
    const polled = run("name: sglang, schedulerRecvInterval: 30");
    expect(decodeRuns(plain).some((length) => length > 0 && length < 30)).toBe(true);
    const runs = decodeRuns(polled);
    expect(runs.length).toBeGreaterThan(5);
    expect(runs.filter((length) => length % 30 !== 0)).toEqual([]);
    expect(runs.length).toBeLessThan(decodeRuns(plain).length);
    expect(polled.ttftNs).toBeGreaterThan(2 * plain.ttftNs);
    // Between two looks nothing else changes: the request that decodes throughout is not slower.
    expect(polled.outcome.lastTokenNs[0]!).toBeLessThanOrEqual(plain.outcome.lastTokenNs[0]!);
    // An interval of one iteration is what the engine does by itself.
    expect(run("name: sglang, schedulerRecvInterval: 1").outcome.hash).toBe(plain.outcome.hash);
  });

  it("gather to a share of the tokens, or for so many iterations", () => {
    const iters = 12;
    const plain = run("name: trtllm");
    const gathered = run(`name: trtllm, batchWaitTimeoutIters: ${iters}, batchWaitMaxTokensRatio: 0.9`);
    expect(gathered.ttftNs).toBeGreaterThan(plain.ttftNs);
    const later = gathered.iterations.slice(1).filter(({ prompts }) => prompts > 0);
    expect(later.length).toBeGreaterThan(5);
    // Too few came for the share: all waited for the iterations.
    expect(later.every(({ promptTokens, decodes }) => promptTokens + decodes < 0.9 * 2048)).toBe(true);
    expect(Math.min(...decodeRuns(gathered))).toBeGreaterThanOrEqual(iters);
    // One prompt and a decode are a share of 0.14: none waits.
    expect(run(`name: trtllm, batchWaitTimeoutIters: ${iters}, batchWaitMaxTokensRatio: 0.14`).ttftNs).toBe(plain.ttftNs);
  });

  it("count draft tokens of decodes towards the share", () => {
    const first = (engine: string, pool: string): number => run(engine, pool).outcome.firstTokenNs[1]!;
    // A prompt of 300 beside one decode: 301 tokens, with five drafts 306, of 304.1.
    const held = "name: trtllm, batchWaitTimeoutIters: 12, batchWaitMaxTokensRatio: 0.1485";
    const drafts = "speculation: { draftTokens: 5, acceptance: 0.7, draftCost: 0.1 },";
    expect(first(held, drafts)).toBe(first("name: trtllm", drafts));
    expect(first(held, "")).toBeGreaterThan(first("name: trtllm", ""));
  });

  it.each([
    ["name: sglang, schedulerRecvInterval: 30", ""],
    ["name: trtllm, batchWaitTimeoutIters: 12, batchWaitMaxTokensRatio: 0.4", ""],
    [
      "name: trtllm, batchWaitTimeoutIters: 12, batchWaitMaxTokensRatio: 0.4",
      "speculation: { draftTokens: 2, acceptance: 0.7, draftCost: 0.1 },",
    ],
    ["name: trtllm, attentionDpBalance: { timeoutIters: 40, batchingWaitIters: 6 }", "parallel: { data: 2 },"],
  ])("are decided alike leaping and one by one: %s %s", (engine, pool) => {
    const leap = run(engine, pool);
    expect(run(engine, pool, "unit").outcome.hash).toBe(leap.outcome.hash);
    expect(leap.outcome.hash).not.toBe(run(engine.replace(/(name: \w+), .*/, "$1"), pool).outcome.hash);
  });
});
