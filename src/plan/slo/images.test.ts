// Goal: closed forms of encoding say what a queue of images and a prompt behind its images take, and the search buys the cheaper of encoders inside and apart.
// Method: devices and images of straight lines, times worked out by hand; searches against one another; sensitivities against a run of the other problem.
import { describe, expect, it } from "vitest";
import {
  evenWorkload,
  FAST_DEVICE,
  type LinearDevice,
  linearIterations,
  linearPricer,
  linearProblem,
} from "../../../test/support/linear-iterations.ts";
import { ok } from "../../base/result.ts";
import { fleetPlan } from "./fleet-plan.ts";
import { type ImageProfile, profileImages } from "./image-profile.ts";
import { planDeployment } from "./plan-deployment.ts";
import { planForSlo } from "./plan-for-slo.ts";
import { planRate, sensitivities } from "./sensitivity.ts";
import type { DesignPricer, ReplicaDesign, ReplicaModel, SloProblem } from "./slo-problem.ts";
import { designCapacity, steadyState } from "./steady/design-capacity.ts";
import { encodeNs } from "./steady/encode-service.ts";

/** 2 ms and 10 us a patch; on the fast device of `linear-iterations`, in whose iterations text takes as long as without images. */
const ENCODE = { stepNs: 2e6, patchNs: 1e4 };
const encodingNs = (patches: number, compute: number): number => (patches === 0 ? 0 : ENCODE.stepNs + (ENCODE.patchNs * patches) / compute);

function withImages(device: LinearDevice, devices: number, compute: number): ReplicaModel["cost"] {
  const text = linearIterations(device, devices);
  return { ...text, iterationNs: (shape) => text.iterationNs(shape) + encodingNs(shape.vision?.patches ?? 0, compute) };
}

const price: DesignPricer = (design, factors) => {
  const priced = linearPricer({ fast: FAST_DEVICE })(design, factors);
  if (!priced.ok) return priced;
  const { compute = 1 } = factors;
  return ok({ ...priced.value, cost: withImages(FAST_DEVICE, priced.value.devices, compute), imageBytesPerToken: 4000 });
};

/** `count` images a request, each of 4,800 patches (50 ms alone) and 1,200 tokens. */
function images(count: number, foundShare = 0): ImageProfile {
  return { mean: count, quantile: () => count, one: { images: 1, patches: 4800, patchSquares: 4800 * 4800, tokens: 1200 }, foundShare };
}

function problemOf(rate: number, profile: ImageProfile | undefined, changes: Partial<SloProblem["choices"]> = {}): SloProblem {
  const base = linearProblem();
  const tokens = profile === undefined ? 0 : profile.mean * profile.one.tokens;
  return {
    ...base,
    price,
    fleets: [{ name: "fast", devices: [{ device: "fast", count: 200, dollarsPerHour: 3 }] }],
    workload: { ...evenWorkload(rate, 1000 + tokens), ...(profile && { images: profile }) },
    transfer: { bandwidthBytesPerSecond: 1e9, latencyNs: 1e5 },
    choices: { ...base.choices, tensor: [1], devicesMax: 1, ...(profile && { images: { apart: false } }), ...changes },
  };
}

const DESIGN: ReplicaDesign = {
  device: "fast",
  role: "encode",
  parallel: { tensor: 1, pipeline: 1, data: 1, expert: 1, context: 1 },
  precision: { weights: "bf16", kv: "bf16" },
  engine: { ...linearProblem().choices.engine, maxBatchedTokens: 2048 },
  encoder: { parallel: "weights" },
};
const modelOf = (problem: SloProblem, design: ReplicaDesign): ReplicaModel => {
  const priced = problem.price(design, {});
  return priced.ok ? priced.value : expect.unreachable(priced.error.detail);
};

describe("images of a workload", () => {
  it("are told by their numbers, sizes and repeats", () => {
    // Requests of 0, 1 and 3 images, one of which comes twice.
    const sizes = {
      start: Int32Array.of(0, 0, 1, 4),
      tokens: Int32Array.of(100, 200, 100, 400),
      patches: Int32Array.of(400, 800, 400, 1600),
      content: Int32Array.of(0, 1, 0, 2),
    };
    const profile = profileImages(sizes, 3)!;
    expect(profile.mean).toBeCloseTo(4 / 3, 12);
    expect(profile.one).toEqual({ images: 1, patches: 800, patchSquares: (2 * 400 ** 2 + 800 ** 2 + 1600 ** 2) / 4, tokens: 200 });
    expect([profile.foundShare, profile.quantile(0.5), profile.quantile(1)]).toEqual([0.25, 1, 3]);
    expect(profileImages({ ...sizes, start: new Int32Array(4) }, 3)).toBeUndefined();
  });

  it("take what whole numbers of them take, and the mean of two numbers in between", () => {
    const cost = withImages(FAST_DEVICE, 1, 1);
    expect([0, 1, 2].map((count) => encodeNs(cost, images(1), count))).toEqual([0, 50e6, 98e6]);
    expect(encodeNs(cost, images(1), 1.25)).toBe(0.75 * 50e6 + 0.25 * 98e6);
  });
});

describe("replicas that encode", () => {
  it("are a queue of images, of which a request waits for the last and for its move", () => {
    const problem = problemOf(10, images(1));
    // 10 images/s of 50 ms: half busy. Mean wait of one server with equal services: 10/s x (50 ms)^2 / (2 x 0.5) = 25 ms, of those that wait 50; p90: 50 ln 5.
    const state = steadyState(problem, modelOf(problem, DESIGN), DESIGN, 10);
    const moveNs = 1e5 + (1200 * 4000) / 1;
    expect(state.prefillShare).toBeCloseTo(0.5, 12);
    expect(state.ttftNs).toBeCloseTo(50e6 * Math.log(5) + 50e6 + moveNs, 0);
    // Four a request at ten times the rate: a quarter is found, and 15 replicas are needed, so that none has two of one request.
    const four = problemOf(100, images(4, 0.25));
    const share = steadyState(four, modelOf(four, DESIGN), DESIGN, 10 / 3);
    expect(share.ttftNs).toBeCloseTo(50e6 * Math.log(5) + 50e6 + 1e5 + (4 * 1200 * 4000) / 1, 0);
    // At 1 request/s one replica has all four, one after the other: 2,048 tokens an iteration hold one.
    const alone = problemOf(1, images(4));
    const wait = 200e6 * Math.log(0.2 / 0.1) * (0.5 / 0.8);
    expect(steadyState(alone, modelOf(alone, DESIGN), DESIGN, 1).ttftNs).toBeCloseTo(wait + 200e6 + 1e5 + 4 * 4.8e6, 0);
    // 8,192 tokens hold six: four take 194 ms.
    const wide = { ...DESIGN, engine: { ...DESIGN.engine, maxBatchedTokens: 8192 } };
    const batched = steadyState(alone, modelOf(alone, wide), wide, 1e-6);
    expect(batched.ttftNs).toBeCloseTo(194e6 + 1e5 + 4 * 4.8e6, 0);
  });

  it("carry what keeps their part of the time to first token, and bind by encoding", () => {
    const problem = problemOf(100, images(1));
    const capacity = designCapacity(problem, modelOf(problem, DESIGN), DESIGN, 0.25);
    if (capacity.rate === undefined) expect.unreachable(capacity.limit);
    else {
      // Of 250 ms are 195.1 to wait: p90 of the wait is 25 r / (1 - r) / r ln(r / 0.1) ms where a share r is busy, which is 195 at r = 0.738.
      const wait = (r: number): number => (25 / (1 - r)) * Math.log(r / 0.1);
      expect(Math.abs(wait(capacity.rate * 0.05) - 195.1)).toBeLessThan(4);
      expect(capacity).toMatchObject({ limit: "encode", ttftShare: 0.25 });
    }
    // A link of 40 MB/s moves 8.3 images a second.
    const narrow = { ...problem, transfer: { bandwidthBytesPerSecond: 4e7, latencyNs: 0 } };
    expect(designCapacity(narrow, modelOf(problem, DESIGN), DESIGN)).toMatchObject({ limit: "transfer", rate: expect.closeTo(8.33, 1) });
  });
});

describe("prompts behind images of their own", () => {
  const whole: ReplicaDesign = { ...DESIGN, role: "both" };

  it("wait for what encodes them, and make iterations longer by it", () => {
    const problem = problemOf(1, images(2));
    const text = { ...problem, workload: { ...problem.workload } };
    delete (text.workload as { images?: ImageProfile }).images;
    const prefill: ReplicaDesign = { ...whole, role: "prefill" };
    const ttft = (of: SloProblem, design: ReplicaDesign): number => steadyState(of, modelOf(of, design), design, 1e-4).ttftNs;
    // Two images take 98 ms.
    expect(ttft(problem, prefill) - ttft(text, prefill)).toBeCloseTo(98e6, -3);
    const { encoder: _encoder, ...apart } = prefill;
    expect(ttft(problem, { ...apart, imagesApart: true })).toBe(ttft(text, prefill));
    // Where encoding is more than half of what a prompt takes, it is what binds. Ten images: 482 ms, text of 13,000 tokens 787.
    const limitOf = (promptTokenNs: number): string => {
      const ten = problemOf(1, images(10));
      const cost = withImages({ ...FAST_DEVICE, promptTokenNs }, 1, 1);
      const slow = { ...ten, target: { ...ten.target, ttftNs: 1e15, tpotNs: 1e15 } };
      return designCapacity(slow, { ...modelOf(ten, prefill), cost }, prefill).limit;
    };
    expect([limitOf(60_000), limitOf(6000)]).toEqual(["prefill", "encode"]);
  });
});

describe("a search for prompts with images", () => {
  const LINKED = { images: { apart: true } };

  it("tries encoders beside prompts and apart, buys what is cheaper, and says that encoding binds", () => {
    const both = planForSlo(problemOf(40, images(4), LINKED));
    const inside = planForSlo(problemOf(40, images(4)));
    if (!both.ok || !inside.ok) throw new TypeError("there are fleets");
    const roles = (plan: (typeof both.value.plans)[number]): string => plan.pools.map(({ capacity }) => capacity.design.role).join("+");
    expect(new Set(both.value.plans.map(roles))).toEqual(new Set(["both", "encode+both"]));
    expect(new Set(inside.value.plans.map(roles))).toEqual(new Set(["both"]));
    const apart = both.value.plans.find((plan) => roles(plan) === "encode+both")!;
    const [encode, rest] = apart.pools;
    expect(rest!.capacity.design).toMatchObject({ imagesApart: true });
    expect(encode!.capacity.ttftShare + rest!.capacity.ttftShare).toBe(1);
    // Times of both follow one another; the pool that carries least binds.
    const state = steadyState(problemOf(40, images(4), LINKED), encode!.capacity.replica, encode!.capacity.design, 40 / encode!.replicas);
    const after = steadyState(problemOf(40, images(4), LINKED), rest!.capacity.replica, rest!.capacity.design, 40 / rest!.replicas);
    expect(apart.ttftNs / (state.ttftNs + after.ttftNs)).toBeCloseTo(1, 9);
    const carries = apart.pools.map(({ capacity, replicas }) => capacity.rate * replicas);
    expect(apart.rate).toBe(Math.min(...carries));
    expect(both.value.plans[0]!.dollarsPerHour).toBeLessThanOrEqual(inside.value.plans[0]!.dollarsPerHour);
    // Without images beside them, decodes do not wait: fewer replicas keep a tight pace.
    const tight = (apart: boolean) => {
      const problem = problemOf(40, images(4), { images: { apart } });
      const found = planForSlo({ ...problem, target: { ...problem.target, ttftNs: 4e9, tpotNs: 2e7 } });
      return found.ok ? found.value.plans[0]!.dollarsPerHour : Number.POSITIVE_INFINITY;
    };
    expect(tight(true)).toBeLessThan(tight(false));
  });

  it("says what a doubled figure gives as a run with it does", () => {
    const problem = problemOf(40, images(4), LINKED);
    const found = planForSlo(problem);
    const first = found.ok ? found.value.plans.find(({ pools }) => pools.length === 2)! : expect.unreachable(found.error.detail);
    // Twice the replicas that compute prompts, so that the encoders bind.
    const plan = fleetPlan(problem, first.fleet, [first.pools[0]!, { ...first.pools[1]!, replicas: 2 * first.pools[1]!.replicas }]);
    expect(plan).toMatchObject({ limit: "encode", limitPool: 0 });
    const gains = sensitivities(problem, plan, { factor: 2, research: false });
    const gain = (knob: string) => gains.find((one) => one.knob === knob)!;
    expect(gain("compute").rateBefore).toBe(plan.rate);
    const quick: DesignPricer = (design) => price(design, { compute: 2 });
    expect(gain("compute").rateAfter).toBe(planRate({ ...problem, price: quick }, plan));
    expect(gain("compute").rateAfter).toBeGreaterThan(1.1 * gain("compute").rateBefore);
    const link = { ...problem, transfer: { bandwidthBytesPerSecond: 2e9, latencyNs: 1e5 } };
    expect(gain("transfer bandwidth").rateAfter).toBe(planRate(link, plan));
    expect(gain("ttft target").rateAfter).toBe(planRate({ ...problem, target: { ...problem.target, ttftNs: 2e9 } }, plan));
  });

  it("makes deployments that name what encodes", () => {
    const problem = problemOf(40, images(4), LINKED);
    const found = planForSlo(problem);
    const plans = found.ok ? found.value.plans : expect.unreachable(found.error.detail);
    const apart = planDeployment(problem, plans.find(({ pools }) => pools.length === 2)!);
    expect(apart.pools.map(({ name, role, encoder }) => [name, role, encoder])).toEqual([
      ["encode", "encode", { parallel: "weights" }],
      ["fast", "both", undefined],
    ]);
    expect(apart.pools[0]!.engine.kvBlocks).toBeUndefined();
    expect(apart.kvTransfer).toEqual({ bandwidthBytesPerSecond: 1e9, latencyNs: 1e5, layerwise: false });
    const inside = planDeployment(problem, plans.find(({ pools }) => pools.length === 1)!);
    expect([inside.pools[0]!.encoder, inside.kvTransfer]).toEqual([{ parallel: "weights" }, undefined]);
  });
});
