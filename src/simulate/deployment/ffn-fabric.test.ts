// Goal: what goes between attention and feed-forwards on devices of their own takes its max-min share of a fabric's links, beside other replicas and KV. Method: leaves of
// one machine each and one spine, on which every rate is worked out by hand, to the nanosecond; a search against prices of the fleet it speaks of.
import { describe, expect, it } from "vitest";
import { linearProblem } from "../../../test/support/linear-iterations.ts";
import { emptyBatch } from "../../cost/iteration/iteration-cost.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { planForSlo } from "../../plan/slo/plan-for-slo.ts";
import { planRate, sensitivities } from "../../plan/slo/sensitivity.ts";
import type { SloProblem } from "../../plan/slo/slo-problem.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { readNetwork } from "../fabric/read-fabric.ts";
import { runServing } from "../serving/run-serving.ts";
import { generateColumns } from "../workload/generate/generate-columns.ts";
import { servingInputOf } from "./deployment-run.ts";
import { fabricFit } from "./design-fabric.ts";
import { designPricer } from "./design-pricer.ts";
import { placeOnFabric } from "./fabric-place.ts";
import { kvWays } from "./kv-ways.ts";
import { pricePool } from "./price-pool.ts";
import { sidePairs } from "./side-pairs.ts";

/** Machines of 8 cards of 50 GB/s under one leaf each, and one spine to which a leaf has `spine` GB/s. */
const leaves = (count: number, spine: number): string =>
  `fabric: { kind: leaf-spine, leaves: ${count}, devicesPerLeaf: 8, spines: 1, cardBytesPerSecond: 50 GB/s, spineBytesPerSecond: ${spine} GB/s }\n`;

const FFN = (link: string, microBatches = 1): string =>
  `ffn: { device: l40s, parallel: { expert: 4 }, microBatches: ${microBatches}, ${link} }`;
const whole = (replicas: number, ffn: string): string =>
  `version: 1\nmodel: Qwen3-30B-A3B\nfabric: f.yaml\npools:\n  - { name: a, device: h100-sxm, replicas: ${replicas}, parallel: { data: 2 }, engine: { name: heddle, maxSequences: 32 }, ${ffn} }\n`;
const LINK = "link: { bandwidthBytesPerSecond: 2.5e+10, latencyNs: 15000 }";
const WIDE = "link: { bandwidthBytesPerSecond: 1.0e+12, latencyNs: 1000 }";

function priced(text: string, fabric: string) {
  const { deployment } = readDeployment(text);
  const architecture = knownArchitecture(deployment.model)!;
  const network = readNetwork(fabric);
  const sheeted = deployment.pools.map((pool) => ({
    pool,
    sheet: deviceSheet(pool.device),
    ...(pool.ffn && { ffn: { sheet: deviceSheet(pool.ffn.device) } }),
  }));
  const places = placeOnFabric(network, sheeted);
  const pools = sheeted.map(({ pool, ...parts }, i) => {
    const made = pricePool(pool, i, { architecture, ...parts, fabric: { topology: network.topology, pools: places, pool: i } });
    return made.ok ? made.value : expect.unreachable(JSON.stringify(made.error));
  });
  return { deployment, architecture, pools };
}

const BATCH = { ...emptyBatch(), decodes: 64, decodeContext: 64_000, decodeContextMax: 1000 };
const EIGHT = { ...BATCH, decodes: 8, decodeContext: 8000 };
const costOf = (text: string, fabric: string) => priced(text, fabric).pools[0]!.cost;
const dispatchNs = (text: string, fabric: string): number => costOf(text, fabric).lap!(BATCH).dispatchNs;
/** 64 tokens of width 2,048 to four ranks of experts each, in 16 bits, over flows from 2 devices to 4. */
const FLOW_BYTES = (64 * 4 * 2048 * 2) / 8;

describe("feed-forwards on devices of their own, on a fabric", () => {
  it("stand on machines behind all of attention's, and every device sends to every one of the other side", () => {
    const { pools } = priced(whole(3, FFN(LINK)), leaves(4, 400));
    // Three replicas of two devices are in one machine, their four experts' ranks in two.
    expect(pools[0]!.fabric!.pools[0]).toMatchObject({ first: 0, devices: 2, ffn: { first: 8, devices: 4, nodes: 1 } });
    const pairs = sidePairs(pools[0]!.fabric!.pools[0]!);
    expect(pairs).toHaveLength(3 * 2 * 4 * 2);
    expect(pairs.slice(32, 36)).toEqual([
      [4, 16],
      [4, 17],
      [4, 18],
      [4, 19],
    ]);
    expect(pairs.at(-1)).toEqual([19, 5]);
    expect(() => priced(whole(3, FFN(LINK)), leaves(2, 400))).toThrow(/has 16 devices, the pools take machines of 24/);
    const rails =
      "fabric: { kind: rails, nodes: 4, devicesPerNode: 4, nodesPerGroup: 4, spinesPerRail: 1, scaleUpBytesPerSecond: 450 GB/s, cardBytesPerSecond: 50 GB/s, spineBytesPerSecond: 50 GB/s }\n";
    expect(() => priced(whole(1, FFN(LINK)), rails)).toThrow(/machines of 4 devices/);
  });

  it("exchange at the max-min share of the slowest flow, of all replicas at once", () => {
    // Of attention's cards each flow has a quarter: 12.5 GB/s; over a spine of 40 GB/s an eighth of it.
    expect(dispatchNs(whole(1, FFN(WIDE)), leaves(2, 400))).toBeCloseTo(1000 + FLOW_BYTES / 12.5, 6);
    expect(dispatchNs(whole(1, FFN(WIDE)), leaves(2, 40))).toBeCloseTo(1000 + FLOW_BYTES / 5, 6);
    expect(dispatchNs(whole(2, FFN(WIDE)), leaves(2, 40))).toBeCloseTo(1000 + FLOW_BYTES / 2.5, 6);
    // The third replica's feed-forwards stand in a machine of their own: 24 flows leave attention's, and those that are there share its way up alone.
    expect(dispatchNs(whole(3, FFN(WIDE)), leaves(3, 40))).toBeCloseTo(1000 + FLOW_BYTES / (40 / 24), 6);
    // A whole iteration in one micro-batch: both ways, of each of 48 layers.
    const ns = (replicas: number): number => costOf(whole(replicas, FFN(WIDE)), leaves(2, 40)).iterationNs(BATCH);
    expect(Math.abs(ns(2) - ns(1) - Math.round(48 * 2 * (FLOW_BYTES / 2.5 - FLOW_BYTES / 5)))).toBeLessThanOrEqual(1);
  });

  it("exchange at no more than their link, or cards, and as without a fabric where it is ideal", () => {
    // A device of attention sends four flows: 50 GB/s of its card, 25 of the link; over 40 GB/s of spine 20.
    expect(dispatchNs(whole(1, FFN(LINK)), leaves(2, 400))).toBeCloseTo(15_000 + (4 * FLOW_BYTES) / 25, 6);
    expect(dispatchNs(whole(1, FFN(LINK)), leaves(2, 40))).toBeCloseTo(15_000 + (4 * FLOW_BYTES) / 20, 6);
    const alone = costOf(whole(1, FFN(LINK)), leaves(2, 1e6)).lap!(BATCH);
    const cards = "ffn: { device: h100-sxm, parallel: { expert: 4 }, microBatches: 1 }";
    // 46 to 48 of 50 GB/s are reached (RATE_SHARE), so 0.94 of the share as of a card; 20 us a message.
    expect(dispatchNs(whole(1, cards), leaves(2, 400))).toBeCloseTo(20_000 + (4 * FLOW_BYTES) / (0.94 * 50), 6);
    expect(dispatchNs(whole(1, cards), leaves(2, 40))).toBeCloseTo(20_000 + (4 * FLOW_BYTES) / (0.94 * 20), 6);
    expect(alone.dispatchNs).toBeCloseTo(15_000 + (4 * FLOW_BYTES) / 25, 6);
  });

  it("count for collectives of the replica's other devices, and those for them", () => {
    // Attention over tensor ranks of two machines: a ring over 8 cards of each, beside 16 flows of a card to the experts; alone on it, all of the card.
    const text = (ffn: string) =>
      `version: 1\nmodel: DeepSeek-V3\nfabric: f.yaml\npools:\n  - { name: a, device: h100-sxm, parallel: { tensor: 16 }, precision: { weights: f8e4m3 }, engine: { maxSequences: 8 }, ${ffn} }\n`;
    const apart =
      "ffn: { device: h100-sxm, parallel: { expert: 16 }, microBatches: 1, link: { bandwidthBytesPerSecond: 1.0e+15, latencyNs: 0 } }";
    const lap = (spine: number) => costOf(text(apart), leaves(4, spine)).lap!(EIGHT);
    const [wide, narrow] = [lap(1e6), lap(100)];
    // 17 flows leave each card; on a spine of 100 GB/s each of 8 cards has 12.5. Tokens go to 8 experts in 58 layers, to one rank in 3, in 8 bits.
    const bytes = (8 * ((58 * 8 + 3) / 61) * 7168) / (16 * 16);
    expect(wide.dispatchNs).toBeCloseTo(bytes / (50 / 17), 6);
    expect(narrow.dispatchNs).toBeCloseTo(bytes / (12.5 / 17), 6);
    // And the ring has one share of 17, too.
    const { pool, fabric, sheet } = priced(text(apart), leaves(4, 1e6)).pools[0]!;
    const architecture = knownArchitecture("DeepSeek-V3")!;
    const shared = pricePool(pool, 0, { architecture, sheet, ffn: { sheet }, fabric: { ...fabric!, cards: 50e9 / 17 } });
    expect(wide.attentionNs).toBe(shared.ok ? shared.value.cost.lap!(EIGHT).attentionNs : 0);
    expect(narrow.attentionNs).toBeGreaterThan(1.1 * wide.attentionNs);
  });

  it("run end to end, leaping and one by one, and slower where the fabric is narrow", () => {
    const requests = generateColumns("poisson:rate=20,prompt=100-900,output=5-80,seconds=4,seed=2");
    const run = (spine: number, stepping: "leap" | "unit" = "leap") =>
      runServing(servingInputOf({ ...priced(whole(2, FFN(WIDE, 3)), leaves(2, spine)), requests }, { seed: 1, stepping }));
    expect(run(4, "unit").hash).toBe(run(4).hash);
    const last = (spine: number): number => run(spine).lastTokenNs.reduce((most, ns) => Math.max(most, ns), 0);
    expect(last(4)).toBeGreaterThan(1.02 * last(400));
  });
});

describe("KV beside feed-forwards apart", () => {
  const SPLIT = `version: 1\nmodel: Qwen3-30B-A3B\nfabric: f.yaml\nkvTransfer: { latencyNs: 1000 }\npools:
  - { name: p, role: prefill, device: h100-sxm, parallel: { tensor: 2 }, engine: { name: heddle } }
  - { name: d, role: decode, device: h100-sxm, parallel: { data: 2 }, engine: { name: heddle, maxSequences: 32 }, ${FFN(WIDE)} }\n`;

  it("slows what it crosses to its share, and gets what that leaves", () => {
    const { pools } = priced(SPLIT, leaves(3, 1e6));
    const ways = kvWays(pools)!;
    // A channel of KV comes to each card of attention beside four flows of sums: each has 10 GB/s instead of 12.5. One micro-batch, both ways, 48 layers.
    const [alone, beside] = [pools[1]!.cost.iterationNs(BATCH), ways.beside!(1, [[0, 1]]).iterationNs(BATCH)];
    expect(Math.abs(beside - alone - Math.round(48 * 2 * (FLOW_BYTES / 10 - FLOW_BYTES / 12.5)))).toBeLessThanOrEqual(1);
    // Full batches send as much as 64 tokens are wide to four ranks each, in all layers, and back in 16 bits too.
    const load = pools[1]!.sideLoad!()!;
    expect(load.back).toBeCloseTo(load.there, 3);
    const full = { ...BATCH, decodeContext: 64 * 1024, decodeContextMax: 1024 };
    expect(load.there).toBeCloseTo((48 * FLOW_BYTES * 1e9) / pools[1]!.cost.iterationNs(full), 3);
    // Two channels, each over a card that four flows of sums come to.
    expect(ways.way(0, 1).aloneBytesPerSecond).toBeCloseTo(2 * (50e9 - 4 * load.back), 0);
    expect(ways.taken).toBeCloseTo((4 * load.back) / 50e9, 9);
  });
});

describe("a search over both", () => {
  const architecture = knownArchitecture("Qwen3-30B-A3B")!;
  const sheets = new Map(["h100-sxm", "l40s"].map((id) => [id, deviceSheet(id)] as const));
  const counts = new Map([
    ["h100-sxm", 16],
    ["l40s", 16],
  ]);
  const problem = (network: ReturnType<typeof readNetwork>): SloProblem => {
    const base = linearProblem();
    const { engine, precision } = readDeployment(whole(1, FFN(WIDE))).deployment.pools[0]!;
    const link = { bandwidthBytesPerSecond: 1e12, latencyNs: 1000 };
    return {
      ...base,
      model: "Qwen3-30B-A3B",
      workload: { ...base.workload, peakRate: 1 },
      target: { ttftNs: 5e9, tpotNs: 1e8, percentile: 0.9 },
      fleets: [
        {
          name: "both",
          devices: [
            { device: "h100-sxm", count: 16, dollarsPerHour: 2 },
            { device: "l40s", count: 16, dollarsPerHour: 1 },
          ],
        },
      ],
      choices: {
        ...base.choices,
        tensor: [1],
        pipeline: [1],
        data: [2],
        experts: true,
        precisions: [precision],
        devicesMax: 6,
        engine,
        ffn: { tensor: [1], expert: [4], microBatches: [2], link },
      },
      price: designPricer(architecture, sheets, { fabric: { network, counts } }),
      fabric: { path: "f.yaml", fits: fabricFit(network, sheets) },
    };
  };

  it("prices designs as in the fullest fleet that offer and machines allow, and says what twice the links would give", () => {
    const narrow = problem(readNetwork(leaves(4, 4)));
    const found = planForSlo(narrow);
    const { capacities } = found.ok ? found.value : expect.unreachable(found.error.detail);
    const apart = capacities.find(({ design }) => design.device === "h100-sxm" && design.ffn?.device === "l40s")!;
    // Four experts' ranks of each of four replicas: 16 devices in two machines, and attention's eight in one. The offer has no fifth.
    const fleet = whole(4, FFN(WIDE, 2));
    expect(apart.replica.cost.iterationNs(BATCH)).toBe(costOf(fleet, leaves(4, 4)).iterationNs(BATCH));
    const plan = found.ok ? found.value.plans.find(({ pools }) => pools[0]!.capacity.design === apart.design)! : expect.unreachable();
    const gain = sensitivities(narrow, plan, { factor: 2, research: false }).find(({ knob }) => knob === "fabric")!;
    const twice = leaves(4, 8).replace("cardBytesPerSecond: 50", "cardBytesPerSecond: 100");
    expect(gain.rateAfter).toBeCloseTo(planRate(problem(readNetwork(twice)), plan), 6);
    expect(gain.rateAfter).toBeGreaterThan(1.05 * gain.rateBefore);
    const fits = fabricFit(readNetwork(leaves(3, 4)), sheets);
    expect([4, 5].map((replicas) => fits([{ design: apart.design, replicas }]))).toEqual([true, false]);
  });
});
