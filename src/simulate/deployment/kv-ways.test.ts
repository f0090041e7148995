// Goal: KV goes from prefill to decode replicas over the links of their fabric, shares them with other KV, and gets what collectives leave. Method: rates and
// times worked out by hand on leaves and one spine; the load of collectives against the two costs it follows from.
import { describe, expect, it } from "vitest";
import { emptyBatch } from "../../cost/iteration/iteration-cost.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { readNetwork } from "../fabric/read-fabric.ts";
import { runServing } from "../serving/run-serving.ts";
import type { RequestColumns } from "../serving/serving-input.ts";
import { servingInputOf } from "./deployment-run.ts";
import { placeOnFabric } from "./fabric-place.ts";
import { kvWays } from "./kv-ways.ts";
import { pricePool } from "./price-pool.ts";

/** Machines of 8 cards of 50 GB/s under one leaf each, and one spine to which a leaf has `spine` GB/s. */
const leaves = (count: number, spine: number): string =>
  `fabric: { kind: leaf-spine, leaves: ${count}, devicesPerLeaf: 8, spines: 1, cardBytesPerSecond: 50 GB/s, spineBytesPerSecond: ${spine} GB/s }\n`;

const SMALL = `version: 1
model: Llama-3.1-8B
fabric: f.yaml
kvTransfer: { latencyNs: 1000 }
routing: round-robin
pools:
  - { name: p, role: prefill, device: h100-sxm, replicas: 2, parallel: { tensor: 2 } }
  - { name: d, role: decode, device: h100-sxm, replicas: 2, parallel: { tensor: 4 }, engine: { prefixCaching: false } }
`;

function priced(text: string, fabric: string) {
  const { deployment } = readDeployment(text);
  const architecture = knownArchitecture(deployment.model)!;
  const sheet = deviceSheet("h100-sxm");
  const network = readNetwork(fabric);
  const places = placeOnFabric(
    network,
    deployment.pools.map((pool) => ({ pool, sheet })),
  );
  const pools = deployment.pools.map((pool, i) => {
    const made = pricePool(pool, i, { architecture, sheet, fabric: { topology: network.topology, pools: places, pool: i } });
    return made.ok ? made.value : expect.unreachable(JSON.stringify(made.error));
  });
  return { deployment, architecture, pools };
}

/** Time between the first token and the second of each request, of one prompt each. */
function gaps(text: string, fabric: string, count: number): number[] {
  const requests: RequestColumns = {
    count,
    arrivalNs: new Float64Array(count),
    promptTokens: new Int32Array(count).fill(2000),
    outputTokens: new Int32Array(count).fill(2),
    blockStart: new Int32Array(count + 1),
    blockIds: new Int32Array(0),
    blockTokens: 16,
  };
  const { firstTokenNs, lastTokenNs } = runServing(servingInputOf({ ...priced(text, fabric), requests }, { seed: 1 }));
  return Array.from(lastTokenNs, (last, i) => last - firstTokenNs[i]!);
}

/** 2,000 tokens of 32 layers of 8 heads of 128, keys and values in 16 bits. */
const KV_BYTES = 2000 * 131_072;
/** The second token itself. */
const STEP_NS = gaps(SMALL, leaves(2, 1e6), 1)[0]! - 1000 - (KV_BYTES / 100e9) * 1e9;

describe("KV over a fabric", () => {
  it("has as many channels as the larger side, and the rate of what is narrowest for all of them", () => {
    // Two cards of 50 GB/s send to four; then the spine is narrower.
    const alone = (spine: number) => kvWays(priced(SMALL, leaves(2, spine)).pools)!.way(0, 2);
    expect(alone(400)).toMatchObject({ channels: 4, aloneBytesPerSecond: 100e9 });
    expect(alone(80)).toMatchObject({ channels: 4, aloneBytesPerSecond: 80e9 });
    expect(kvWays(priced(SMALL, leaves(2, 80)).pools)!.taken).toBe(0);
    expect(kvWays([{}, {}])).toBeUndefined();
  });

  it("takes bytes over that rate, and the latency", () => {
    expect(STEP_NS).toBeGreaterThan(1e6);
    expect(gaps(SMALL, leaves(2, 80), 1)[0]! - STEP_NS).toBeCloseTo(1000 + (KV_BYTES / 80e9) * 1e9, -1);
    // Two at once from unlike cards share the spine; with a wide one neither sees the other.
    const together = gaps(SMALL, leaves(2, 80), 2).map((gap) => gap - STEP_NS);
    for (const gap of together) expect(gap).toBeCloseTo(1000 + (KV_BYTES / 40e9) * 1e9, -1);
    for (const gap of gaps(SMALL, leaves(2, 400), 2)) expect(gap - STEP_NS).toBeCloseTo(1000 + (KV_BYTES / 100e9) * 1e9, -1);
  });

  it("is no faster than a transfer may be, and needs that rate without a fabric", () => {
    const slow = SMALL.replace("latencyNs: 1000", "latencyNs: 1000, bandwidthBytesPerSecond: 2.0e+10");
    for (const gap of gaps(slow, leaves(2, 80), 2)) expect(gap - STEP_NS).toBeCloseTo(1000 + (KV_BYTES / 20e9) * 1e9, -1);
    expect(() => readDeployment(SMALL.replace("fabric: f.yaml\n", ""))).toThrow(/bandwidthBytesPerSecond.*without a fabric/);
  });

  it("gets what collectives leave of their links", () => {
    const text = `version: 1\nmodel: DeepSeek-V3\nfabric: f.yaml\nkvTransfer: { latencyNs: 1000 }\npools:
  - { name: p, role: prefill, device: h100-sxm, parallel: { tensor: 16 }, precision: { weights: f8e4m3 }, engine: { maxBatchedTokens: 2048 } }
  - { name: d, role: decode, device: h100-sxm, parallel: { data: 16, expert: 16 }, precision: { weights: f8e4m3 }, engine: { maxBatchedTokens: 2048, maxSequences: 64 } }\n`;
    const { pools } = priced(text, leaves(4, 400));
    const [p, d] = pools.map(({ cardLoad }) => cardLoad!());
    expect([p!.pattern, d!.pattern]).toEqual([
      { kind: "ring", nodes: 2 },
      { kind: "all", nodes: 2 },
    ]);
    for (const { bytesPerSecond } of [p!, d!]) expect(bytesPerSecond).toBeGreaterThan(1e9);
    for (const { bytesPerSecond } of [p!, d!]) expect(bytesPerSecond).toBeLessThan(50e9);
    const ways = kvWays(pools)!;
    const busiest = Math.max(p!.bytesPerSecond, d!.bytesPerSecond);
    expect(ways.taken).toBeCloseTo(busiest / 50e9, 9);
    expect(ways.way(0, 1).aloneBytesPerSecond).toBeCloseTo(16 * (50e9 - busiest), -3);
    // Tensor ranks over two machines: an all-reduce of what 2,048 tokens are wide after each half of 61 layers, over a tree: all of it goes up and down over 8 cards.
    const batch = { ...emptyBatch(), prefills: 1, prefillTokens: 2048, prefillSquares: 2048 ** 2 };
    const sent = (p!.bytesPerSecond / 1e9) * pools[0]!.cost.iterationNs(batch);
    expect(sent / ((2 * 61 * 2048 * 7168 * 2) / 8)).toBeCloseTo(1, 1);
    // Halved cards carry the same bytes in twice the time: a larger share of them is taken.
    const halved = priced(text, leaves(4, 200)).pools[0]!.cardLoad!()!;
    expect(halved.bytesPerSecond / 25e9).toBeGreaterThan(p!.bytesPerSecond / 50e9);
  });

  it("slows collectives of the replicas whose links it crosses to their max-min share, and none else", () => {
    const text = `version: 1\nmodel: DeepSeek-V3\nfabric: f.yaml\nkvTransfer: { latencyNs: 1000 }\npools:
  - { name: p, role: prefill, device: h100-sxm, replicas: 2, parallel: { tensor: 16 }, precision: { weights: f8e4m3 }, engine: { maxBatchedTokens: 2048 } }
  - { name: d, role: decode, device: h100-sxm, parallel: { tensor: 16 }, precision: { weights: f8e4m3 }, engine: { maxBatchedTokens: 2048, maxSequences: 64 } }\n`;
    const { pools } = priced(text, leaves(6, 400));
    const ways = kvWays(pools)!;
    const batch = { ...emptyBatch(), prefills: 1, prefillTokens: 2048, prefillSquares: 2048 ** 2 };
    const alone = pools[0]!.cost.iterationNs(batch);
    const at = (replica: number, transfers: [number, number][]): number => ways.beside!(replica, transfers).iterationNs(batch);
    expect(ways.beside!(0, [])).toBe(pools[0]!.cost);
    // Every card of the first replica sends a channel of KV beside its ring: each has 25 of 50 GB/s, also where both go up to the spine.
    const { fabric } = pools[0]!;
    const halves = pricePool(pools[0]!.pool, 0, {
      architecture: knownArchitecture("DeepSeek-V3")!,
      sheet: deviceSheet("h100-sxm"),
      fabric: { ...fabric!, cards: 25e9 },
    });
    const half = halves.ok ? halves.value.cost.iterationNs(batch) : 0;
    expect(half).toBeGreaterThan(1.05 * alone);
    expect(at(0, [[0, 2]])).toBe(half);
    // The other prefill replica shares no link with it; a second transfer to the same replica takes from decodes, not from the first's cards.
    expect(ways.beside!(1, [[0, 2]])).toBe(pools[0]!.cost);
    expect(at(2, [[0, 2]])).toBeGreaterThan(pools[1]!.cost.iterationNs(batch));
    expect(
      at(2, [
        [0, 2],
        [1, 2],
      ]),
    ).toBeGreaterThan(at(2, [[0, 2]]));
    // A transfer that may only have a fifth of a card's rate leaves four fifths of it.
    const capped = kvWays(pools, 16 * 10e9)!;
    const most = pricePool(pools[0]!.pool, 0, {
      architecture: knownArchitecture("DeepSeek-V3")!,
      sheet: deviceSheet("h100-sxm"),
      fabric: { ...fabric!, cards: 40e9 },
    });
    expect(capped.beside!(0, [[0, 2]]).iterationNs(batch)).toBe(most.ok ? most.value.cost.iterationNs(batch) : 0);
  });
});
