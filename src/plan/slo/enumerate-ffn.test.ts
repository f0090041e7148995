// Goal: a search tries feed-forwards on devices of their own where, and only where, an offer has devices for both sides; what it finds costs what its devices
// cost. Method: brute force over all pairs and cuts; an offer in which dear devices are few; a model and devices of the catalogue.
import { describe, expect, it } from "vitest";
import { FAST_DEVICE, linearIterations, linearProblem } from "../../../test/support/linear-iterations.ts";
import { ok } from "../../base/result.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { designPricer } from "../../simulate/deployment/design-pricer.ts";
import { readDeployment, writeDeployment } from "../deployment/deployment-file.ts";
import { enumerateDesigns } from "./enumerate-designs.ts";
import { ffnPlaces } from "./enumerate-ffn.ts";
import { designText, runnerUp } from "./explain-plan.ts";
import { canBuy, devicesOf, devicesTaken, dollarsOf, ffnDevicesOf } from "./fleet-plan.ts";
import { planDeployment } from "./plan-deployment.ts";
import { planForSlo } from "./plan-for-slo.ts";
import { planRate, sensitivities, turned } from "./sensitivity.ts";
import type { DesignPricer, SloProblem } from "./slo-problem.ts";

const MIXED = {
  name: "mixed",
  devices: [
    { device: "fast", count: 4, dollarsPerHour: 3 },
    { device: "slow", count: 8, dollarsPerHour: 1 },
  ],
};
const OTHER = { name: "other", devices: [{ device: "other", count: 3, dollarsPerHour: 1 }] };
const CHOICES = {
  ...linearProblem().choices,
  tensor: [1, 2, 4],
  data: [1, 2],
  experts: true,
  devicesMax: 8,
  split: true,
  ffn: { tensor: [1, 2], expert: [1, 2, 4, 8], microBatches: [2, 3] },
};

/** Attention as fast as its devices, feed-forwards as fast as theirs: half of the step is either's. */
const halves: DesignPricer = (design) => {
  const whole = devicesOf(design.parallel);
  const apart = ffnDevicesOf(design);
  const cost = linearIterations(FAST_DEVICE, apart === 0 ? whole : (whole + 2 * apart) / 1.5);
  return ok({ cost, devices: whole + apart, kvTokens: FAST_DEVICE.kvTokens * whole, kvBytesPerToken: 131_072 });
};

function apartProblem(changes: Partial<SloProblem> = {}): SloProblem {
  const transfer = { bandwidthBytesPerSecond: 1e11, latencyNs: 1e4 };
  return linearProblem({ fleets: [MIXED, OTHER], choices: CHOICES, price: halves, transfer, ...changes });
}

describe("feed-forwards apart in a search", () => {
  it("are tried on every two devices of an offer, in every cut that both have devices for", () => {
    const found = ffnPlaces(CHOICES, [MIXED, OTHER]).map(({ device, parallel: { tensor, data }, ffn }) =>
      [device, tensor, data, ffn.device, ffn.parallel.tensor, ffn.parallel.expert, ffn.microBatches].join(" "),
    );
    const counts: Record<string, number> = { fast: 4, slow: 8, other: 3 };
    const expected: string[] = [];
    for (const [device, side] of [
      ["fast", "fast"],
      ["fast", "slow"],
      ["slow", "fast"],
      ["slow", "slow"],
      ["other", "other"],
    ] as const)
      for (const t of CHOICES.tensor)
        for (const d of CHOICES.data)
          for (const ft of CHOICES.ffn.tensor)
            for (const fe of CHOICES.ffn.expert)
              for (const parts of CHOICES.ffn.microBatches) {
                const taken = { [device]: 0, [side]: 0 };
                taken[device]! += t * d;
                taken[side]! += ft * fe;
                if (t * d + ft * fe > 8 || Object.entries(taken).some(([kind, count]) => count > counts[kind]!)) continue;
                expected.push([device, t, d, side, ft, fe, parts].join(" "));
              }
    expect([...found].sort()).toEqual(expected.sort());
    expect(expected.length).toBeGreaterThan(100);
    expect(ffnPlaces({ ...CHOICES, ffn: undefined } as never, [MIXED])).toEqual([]);
  });

  it("are tried in replicas that decode, never in those for prompts alone", () => {
    const { buildable } = enumerateDesigns(apartProblem());
    const roles = (apart: boolean) =>
      new Set(buildable.filter(({ design }) => (design.ffn !== undefined) === apart).map(({ design }) => design.role));
    expect(roles(true)).toEqual(new Set(["both", "decode"]));
    expect(roles(false)).toEqual(new Set(["both", "prefill", "decode"]));
  });

  it("are paid for as the devices they are, and an offer without them is not bought", () => {
    const problem = apartProblem({ choices: { ...CHOICES, split: false } });
    const found = planForSlo(problem);
    const plans = found.ok ? found.value.plans : expect.unreachable(found.error.detail);
    const apart = plans.find(
      ({ pools }) => pools.length === 1 && pools[0]!.capacity.design.ffn?.device === "slow" && pools[0]!.capacity.design.device === "fast",
    )!;
    const { capacity, replicas } = apart.pools[0]!;
    const { design, replica } = capacity;
    const [own, theirs] = [devicesOf(design.parallel) * replicas, ffnDevicesOf(design) * replicas];
    expect([devicesTaken(apart.pools, "fast"), devicesTaken(apart.pools, "slow")]).toEqual([own, theirs]);
    expect(apart.dollarsPerHour).toBe(3 * own + theirs);
    expect(apart.devices).toBe(replica.devices * replicas);
    const alone = { ...MIXED, devices: MIXED.devices.slice(0, 1) };
    expect(canBuy(problem, MIXED, apart.pools)).toBe(true);
    expect(canBuy(problem, alone, apart.pools)).toBe(false);
    expect(dollarsOf(alone, apart.pools)).toBe(3 * own);
    // The runner-up may be the same attention with its feed-forwards elsewhere.
    const other = runnerUp(plans, apart)!;
    expect(JSON.stringify(other.pools.map(({ capacity: { design: each } }) => each))).not.toBe(JSON.stringify([design]));
  });

  it("are in the deployment, in words, and in the sensitivity to their link", () => {
    const sheets = new Map(["h20", "l40s"].map((device) => [device, deviceSheet(device)]));
    const link = { bandwidthBytesPerSecond: 1e9, latencyNs: 15_000 };
    const problem: SloProblem = {
      ...apartProblem(),
      model: "Mixtral-8x22B",
      target: { ttftNs: 5e9, tpotNs: 3e8, percentile: 0.9 },
      workload: { ...apartProblem().workload, peakRate: 2 },
      fleets: [
        { name: "two", devices: [...sheets.keys()].map((device) => ({ device, count: 32, dollarsPerHour: device === "h20" ? 2 : 1 })) },
      ],
      choices: {
        ...CHOICES,
        tensor: [4],
        data: [1],
        devicesMax: 12,
        split: false,
        ffn: { tensor: [1], expert: [8], microBatches: [3], link },
      },
      price: designPricer(knownArchitecture("Mixtral-8x22B")!, sheets),
    };
    const found = planForSlo(problem);
    const plans = found.ok ? found.value.plans : expect.unreachable(found.error.detail);
    const plan = plans.find(({ pools }) => pools[0]!.capacity.design.ffn !== undefined)!;
    const text = designText(plan.pools[0]!.capacity.design);
    expect(text).toMatch(/^(h20|l40s) T4 with feed-forwards on (h20|l40s) E8 in 3 micro-batches, 2048 tokens, \d+ sequences$/);
    const deployment = planDeployment(problem, plan);
    expect(deployment.pools[0]!.ffn).toMatchObject({ parallel: { tensor: 1, expert: 8 }, microBatches: 3, link });
    expect(readDeployment(writeDeployment(deployment)).deployment).toEqual(deployment);
    const knobs = sensitivities(problem, plan, { factor: 2, research: false });
    const faster = {
      ...plan,
      pools: plan.pools.map((pool) => ({ ...pool, capacity: { ...pool.capacity, design: doubled(pool.capacity.design) } })),
    };
    const gain = knobs.find(({ knob }) => knob === "ffnLink")!;
    expect(gain.rateAfter).toBe(planRate(problem, faster));
    expect(gain.rateAfter).toBe(planRate(turned(problem, "ffnLink", 2), plan));
    expect(gain.rateAfter).toBeGreaterThan(1.1 * gain.rateBefore);
    const whole = plans.find(({ pools }) => pools.every(({ capacity }) => capacity.design.ffn === undefined))!;
    expect(sensitivities(problem, whole, { factor: 2, research: false }).map(({ knob }) => knob)).not.toContain("ffnLink");
  });
});

function doubled<D extends { readonly ffn?: { readonly link?: { readonly bandwidthBytesPerSecond: number } } }>(design: D): D {
  const { ffn } = design;
  return { ...design, ffn: { ...ffn, link: { ...ffn!.link, bandwidthBytesPerSecond: 2 * ffn!.link!.bandwidthBytesPerSecond } } };
}
