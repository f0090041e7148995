// Closed forms against what can be checked by hand; the search against brute force; sensitivities against two runs of the search.
import { describe, expect, it } from "vitest";
import {
  evenWorkload,
  FAST_DEVICE,
  linearIterations,
  linearPricer,
  linearProblem,
  SLOW_DEVICE,
} from "../../../test/support/linear-iterations.ts";
import { givenHolds, heldPromptsFault } from "../deployment/held-prompts.ts";
import { enumerateDesigns } from "./enumerate-designs.ts";
import { designText, runnerUp, whyItLost } from "./explain-plan.ts";
import { dollarsOf, type FleetPlan, fleetPlan } from "./fleet-plan.ts";
import { paretoPlans } from "./pareto.ts";
import { planDeployment } from "./plan-deployment.ts";
import { planForSlo } from "./plan-for-slo.ts";
import { planRate, sensitivities, turned } from "./sensitivity.ts";
import type { SloProblem } from "./slo-problem.ts";
import { designCapacity, steadyState } from "./steady/design-capacity.ts";
import { fixedPoint } from "./steady/fixed-point.ts";
import { meanWaitNs, waitQuantileNs } from "./steady/queue.ts";
import { profileWorkload } from "./workload-profile.ts";

function searched(problem: SloProblem) {
  const found = planForSlo(problem);
  if (!found.ok) throw new TypeError(found.error.detail);
  return found.value;
}

describe("queues", () => {
  it("wait as one with exponential times does", () => {
    // M/M/1 with 80 % load and services of 1: mean wait 4, quantile ln(0.8 / 0.1) / 0.2.
    const service = { meanNs: 1, meanSquareNs: 2 };
    expect(meanWaitNs(0.8, service)).toBeCloseTo(4, 9);
    expect(waitQuantileNs(0.8, service, 0.9)).toBeCloseTo(Math.log(8) / 0.2, 9);
    expect(waitQuantileNs(0.05, service, 0.9)).toBe(0);
    expect(waitQuantileNs(1, service, 0.9)).toBe(Number.POSITIVE_INFINITY);
  });

  it("have a fixed point where the function meets its argument", () => {
    expect(fixedPoint((x) => 3 + x / 2, 100)).toBeCloseTo(6, 1);
    // Two of them, of which the lower counts; and none.
    expect(fixedPoint((x) => 3 + (x * x) / 50, 100)).toBeCloseTo(25 - Math.sqrt(475), 1);
    expect(fixedPoint((x) => 30 + (x * x) / 50, 100)).toBeUndefined();
    expect(fixedPoint((x) => 3 + x, 100)).toBeUndefined();
    expect(fixedPoint(() => 0, 100)).toBeLessThan(0.1);
  });
});

describe("a workload's profile", () => {
  it("has the rate of its busiest minutes, and the share that caches find", () => {
    // 10 minutes: 1 request a second, in the fourth minute 10.
    const arrivals: number[] = [];
    for (let second = 0; second < 600; second++)
      for (let i = 0; i < (second >= 180 && second < 240 ? 10 : 1); i++) arrivals.push(second * 1e9 + i);
    arrivals.push(600e9);
    const count = arrivals.length;
    const profile = profileWorkload({
      count,
      arrivalNs: Float64Array.from(arrivals),
      promptTokens: new Int32Array(count).fill(100),
      outputTokens: new Int32Array(count).fill(10),
      sharedTokens: new Int32Array(count).fill(25),
    });
    expect(profile.peakRate).toBeCloseTo(10, 0);
    expect(profile.meanRate).toBeCloseTo(count / 600, 6);
    expect(profile.prefixShare).toBeCloseTo(0.25, 9);
    expect(profile.longest).toBe(110);
  });
});

describe("the steady state", () => {
  const problem = linearProblem();
  const design = {
    device: "fast",
    role: "both" as const,
    parallel: { tensor: 1, pipeline: 1, data: 1, expert: 1, context: 1 },
    precision: { weights: "bf16" as const, kv: "bf16" as const },
    engine: problem.choices.engine,
  };
  const replica = { cost: linearIterations(FAST_DEVICE, 1), devices: 1, kvTokens: FAST_DEVICE.kvTokens, kvBytesPerToken: 131_072 };

  it("of straight lines is what Little's law and the mean iteration say", () => {
    const rate = 4;
    const { sequences, prefillShare } = steadyState(problem, replica, design, rate);
    // n = rate x outputs x T, T = (step + n (decode + context)) / (1 - rate x prompt time).
    const promptS = 1000 * 60e-6;
    const eachS = 60e-6 + 1100 * 40e-9;
    const busy = 1 - rate * promptS;
    const expected = (rate * 200 * 8e-3) / busy / (1 - (rate * 200 * eachS) / busy);
    expect(sequences).toBeCloseTo(expected, 1);
    expect(prefillShare).toBeCloseTo(rate * promptS, 2);
  });

  it("waits for what holds prompts back, and for a front end, and has those that come together in one iteration", () => {
    const rate = 4;
    const engine = { ...design.engine, name: "sglang" as const };
    const held = (schedulerRecvInterval: number) =>
      steadyState(problem, replica, { ...design, engine: { ...engine, schedulerRecvInterval } }, rate);
    const plain = steadyState(problem, replica, { ...design, engine }, rate);
    expect(held(1)).toEqual(plain);
    // A tenth of a second of iterations of 8 ms: prompts wait 90 % of it, hardly two come together.
    const roundNs = held(10).ttftNs - plain.ttftNs;
    expect(roundNs).toBeGreaterThan(0.9 * 10 * 8e6);
    expect(roundNs).toBeLessThan(1.3 * 0.9 * 10 * 8e6);
    const often = held(100);
    // Straight lines: together they take as long, to the nanosecond that prices are whole in.
    expect(often.tpotNs).toBeLessThanOrEqual(plain.tpotNs + 1);
    // TensorRT-LLM's rounds end sooner where tokens come faster than its share of an iteration needs.
    const gather = (ratio: number) => {
      const waits = { name: "trtllm" as const, batchWaitTimeoutIters: 100, batchWaitMaxTokensRatio: ratio };
      return steadyState(problem, replica, { ...design, engine: { ...design.engine, ...waits } }, rate).ttftNs;
    };
    expect(gather(0.2)).toBeLessThan(gather(1));
    const front = { ns: 5e6, nsInFlight: 1e6 };
    const fronted = steadyState(problem, { ...replica, front }, design, rate);
    const inFlight = plain.sequences + (rate / 1e9) * plain.ttftNs;
    expect(fronted.ttftNs - plain.ttftNs).toBeCloseTo(5e6 + 1e6 * inFlight, -3);
  });

  it("of decodes alone has more sequences at times than on average", () => {
    const transfer = { bandwidthBytesPerSecond: 1e15, latencyNs: 0 };
    const at = (percentile: number) =>
      steadyState({ ...problem, transfer, target: { ...problem.target, percentile } }, replica, { ...design, role: "decode" }, 20);
    // n = rate x outputs x T(n) with T of straight lines; nine in ten see at most 0.8 x 1.2816 deviations more.
    const eachS = 60e-6 + 1100 * 40e-9;
    const mean = (20 * 200 * 8e-3) / (1 - 20 * 200 * eachS);
    const stepNs = (n: number) => (8e-3 + n * eachS) * 1e9;
    expect(at(0.5).sequences).toBeCloseTo(mean, 0);
    const { sequences } = at(0.9);
    expect(at(0.5).tpotNs / stepNs(sequences)).toBeCloseTo(1, 4);
    expect(at(0.9).tpotNs / stepNs(sequences + 0.8 * 1.2816 * Math.sqrt(sequences))).toBeCloseTo(1, 4);
  });

  it("says what breaks first", () => {
    const broken = (changes: Partial<SloProblem>, kvTokens = replica.kvTokens, maxSequences = 256) => {
      const own = { ...design, engine: { ...design.engine, maxSequences } };
      const found = designCapacity({ ...problem, ...changes }, { ...replica, kvTokens }, own);
      return found.limit;
    };
    expect(broken({})).toBe("tpot");
    expect(broken({ target: { ttftNs: 1e8, tpotNs: 1e12, percentile: 0.9 } })).toBe("ttft");
    expect(broken({ target: { ttftNs: 1e12, tpotNs: 1e12, percentile: 0.9 } }, 20_000)).toBe("kv");
    expect(broken({ target: { ttftNs: 1e12, tpotNs: 1e12, percentile: 0.9 } }, replica.kvTokens, 8)).toBe("sequences");
    expect(broken({}, 1000)).toBe("kv");
    expect(broken({ target: { ttftNs: 1e12, tpotNs: 1e12, percentile: 0.9 }, workload: evenWorkload(20, 4000, 1) })).toBe("prefill");
  });

  it("carries the largest rate that keeps the target", () => {
    const found = designCapacity(problem, replica, design);
    expect(found.rate).toBeDefined();
    expect(steadyState(problem, replica, design, found.rate!).broken).toBeUndefined();
    expect(steadyState(problem, replica, design, found.rate! * 1.01).broken).toBe(found.limit);
  });
});

describe("settings that hold prompts back", () => {
  it("are tried beside none where they mean something, and stand in a plan's words", () => {
    const problem = linearProblem();
    const engine = { ...problem.choices.engine, name: "trtllm" as const };
    const choices = { ...problem.choices, engine, data: [1, 2], experts: true, tensor: [1], split: true };
    const holds = [
      { batchWaitTimeoutIters: 40, batchWaitMaxTokensRatio: 0.5 },
      { attentionDpBalance: { timeoutIters: 50, batchingWaitIters: 10 } },
    ];
    const transfer = { bandwidthBytesPerSecond: 1e11, latencyNs: 1000 };
    const { buildable } = enumerateDesigns({ ...problem, transfer, choices: { ...choices, holds } });
    const plain = enumerateDesigns({ ...problem, transfer, choices }).buildable;
    const held = buildable.filter(({ design }) => givenHolds(design).length > 0);
    expect(held.length).toBeGreaterThan(2);
    for (const { design } of held) expect(heldPromptsFault(design)).toBeUndefined();
    expect(new Set(held.map(({ design }) => `${design.role} ${design.parallel.data} ${givenHolds(design)[0]}`))).toEqual(
      new Set(["both 1 batchWaitTimeoutIters", "both 2 attentionDpBalance"]),
    );
    expect(buildable.length - held.length).toBe(plain.length);
    expect(designText(held[0]!.design)).toMatch(/batchWaitTimeoutIters 40, batchWaitMaxTokensRatio 0.5$/);
  });
});

describe("the search", () => {
  it("finds the cheapest fleet that brute force over all designs and numbers finds", () => {
    const problem = linearProblem();
    const { plans, capacities, refused } = searched(problem);
    let least = Number.POSITIVE_INFINITY;
    for (const { design, replica } of capacities) {
      for (let replicas = 1; replicas <= 64; replicas++) {
        const fleet = problem.fleets.find(({ devices }) => devices[0]!.device === design.device)!;
        if (replicas * replica.devices > fleet.devices[0]!.count) break;
        if (steadyState(problem, replica, design, problem.workload.peakRate / replicas).broken !== undefined) continue;
        least = Math.min(least, replicas * replica.devices * fleet.devices[0]!.dollarsPerHour);
      }
    }
    expect(plans[0]!.dollarsPerHour).toBe(least);
    expect(refused).toEqual([{ code: "cut-invalid", designs: 2, first: "3 does not divide the heads" }]);
  });

  it("mixes devices where no offer has enough of one", () => {
    const mixed = {
      name: "mixed",
      devices: [
        { device: "fast", count: 2, dollarsPerHour: 3 },
        { device: "slow", count: 4, dollarsPerHour: 1 },
      ],
    };
    const plan = searched(linearProblem({ fleets: [mixed], workload: evenWorkload(40) })).plans[0]!;
    expect(plan.pools.map(({ capacity }) => capacity.design.device)).toEqual(["fast", "slow"]);
    expect(plan.rate).toBeGreaterThanOrEqual(40);
    expect(plan.pools[0]!.replicas * plan.pools[0]!.capacity.replica.devices).toBeLessThanOrEqual(2);
  });

  it("splits prefill and decode where that is cheaper, with a link between them", () => {
    // Prompts that would break the time per token of those that decode beside them.
    const choices = { ...linearProblem().choices, split: true };
    const changes = { choices, workload: evenWorkload(6, 6000, 400), target: { ttftNs: 2e9, tpotNs: 1.5e7, percentile: 0.9 } };
    const link = { bandwidthBytesPerSecond: 1e11, latencyNs: 1e4 };
    const problem = linearProblem({ ...changes, transfer: link });
    const plan = searched(problem).plans[0]!;
    expect(plan.pools.map(({ capacity }) => capacity.design.role)).toEqual(["prefill", "decode"]);
    const deployment = planDeployment(problem, plan);
    expect(deployment.pools.map(({ name }) => name)).toEqual(["prefill", "decode"]);
    expect(deployment.kvTransfer).toEqual({ ...link, layerwise: false });
    // A slow link costs time per token.
    const slow = planForSlo({ ...problem, transfer: { bandwidthBytesPerSecond: 1e8, latencyNs: 1e4 } });
    const roles = slow.ok ? slow.value.plans.flatMap(({ pools }) => pools.map(({ capacity }) => capacity.design.role)) : [];
    expect(roles).not.toContain("decode");
  });

  it("says why nothing does", () => {
    const code = (changes: Partial<SloProblem>) => {
      const found = planForSlo(linearProblem(changes));
      return found.ok ? undefined : found.error.code;
    };
    expect(code({ price: linearPricer({}) })).toBe("no-design");
    expect(code({ target: { ttftNs: 1e9, tpotNs: 1e5, percentile: 0.9 } })).toBe("too-slow");
    expect(code({ workload: evenWorkload(2000) })).toBe("too-few-devices");
    expect(code({ budget: 1 })).toBe("too-few-devices");
    expect(code({})).toBeUndefined();
  });

  it("names what is missing of a device without figures", () => {
    const found = planForSlo(linearProblem({ price: linearPricer({ fast: FAST_DEVICE }) }));
    expect(found.ok && found.value.refused.map(({ first }) => first)).toContain("no figures of slow");
  });
});

describe("the front", () => {
  it("holds exactly the plans that no other beats", () => {
    const { plans } = searched(linearProblem());
    const front = paretoPlans(plans);
    const beats = (a: FleetPlan, b: FleetPlan): boolean =>
      a.dollarsPerHour <= b.dollarsPerHour &&
      a.ttftNs <= b.ttftNs &&
      a.tpotNs <= b.tpotNs &&
      (a.dollarsPerHour < b.dollarsPerHour || a.ttftNs < b.ttftNs || a.tpotNs < b.tpotNs);
    for (const plan of front) expect(plans.some((other) => beats(other, plan))).toBe(false);
    for (const plan of plans) expect(front.includes(plan) || front.some((other) => beats(other, plan) || same(other, plan))).toBe(true);
  });

  function same(a: FleetPlan, b: FleetPlan): boolean {
    return a.dollarsPerHour === b.dollarsPerHour && a.ttftNs === b.ttftNs && a.tpotNs === b.tpotNs;
  }
});

describe("sensitivities", () => {
  const problem = linearProblem();
  const { plans } = searched(problem);
  const plan = plans[0]!;

  it("equal the difference of two runs, of the plan and of the search", () => {
    for (const { knob, factor, rateBefore, rateAfter, dollarsAfter } of sensitivities(problem, plan, { factor: 2, research: true })) {
      const changed = turned(problem, knob, factor);
      // The second run knows nothing of knobs: devices whose figures are others.
      const again = linearProblem({
        target: changed.target,
        price: linearPricer({ fast: changedDevice(FAST_DEVICE, knob), slow: changedDevice(SLOW_DEVICE, knob) }),
      });
      expect(rateBefore).toBeCloseTo(plan.rate, 6);
      expect(rateAfter).toBeCloseTo(planRate(again, plan), 6);
      expect(dollarsAfter).toBe(searched(again).plans[0]!.dollarsPerHour);
    }
  });

  it("show the limit that binds", () => {
    expect(plan.limit).toBe("tpot");
    const found = sensitivities(problem, plan, { factor: 2, research: false });
    const gain = (knob: string): number => found.find((each) => each.knob === knob)!.rateAfter / plan.rate;
    expect(gain("tpot target")).toBeGreaterThan(1.1);
    expect(gain("memoryCapacity")).toBeCloseTo(1, 2);
  });

  function changedDevice(device: typeof FAST_DEVICE, knob: string): typeof FAST_DEVICE {
    if (knob === "compute") return { ...device, promptTokenNs: device.promptTokenNs / 2, decodeNs: device.decodeNs / 2 };
    if (knob === "memoryBandwidth") return { ...device, stepNs: device.stepNs / 2, contextNs: device.contextNs / 2 };
    return knob === "memoryCapacity" ? { ...device, kvTokens: device.kvTokens * 2 } : device;
  }
});

describe("the runner-up", () => {
  it("is made of other designs, and its reason holds its price", () => {
    const problem = linearProblem();
    const { plans } = searched(problem);
    const chosen = plans[0]!;
    const other = runnerUp(plans, chosen)!;
    expect(other.pools[0]!.capacity.design).not.toEqual(chosen.pools[0]!.capacity.design);
    expect(whyItLost(other, chosen)).toMatch(/dearer|as dear/);
    const more = chosen.pools.map((pool) => ({ ...pool, replicas: pool.replicas + 2 }));
    const wide = fleetPlan(problem, chosen.fleet, more);
    expect(whyItLost(wide, chosen)).toContain(`$${(dollarsOf(chosen.fleet, more) - chosen.dollarsPerHour).toFixed(2)}/h dearer`);
  });
});
