// Goal: requests outlive their host, and fleets grow and shrink as their rules say. Method: runs worked out by hand; an iteration takes 1 ms and 1 µs
// a prompt token.
import { describe, expect, it } from "vitest";
import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import { replicasWanted } from "../../policy/serving/scaling.ts";
import { vllmRules } from "../../policy/serving/scheduling-rules.ts";
import { auditOutcome } from "./audit-serving.ts";
import { drawOutages } from "./draw-outages.ts";
import { runServing } from "./run-serving.ts";
import type { ReplicaSettings, RequestColumns, ServingInput } from "./serving-input.ts";

const COST: IterationCost = {
  iterationNs: ({ prefillTokens }) => 1_000_000 + 1000 * prefillTokens,
  spread: 0,
  basis: "data-sheet",
  source: "test",
};
const LIMITS = { maxBatchedTokens: 64, maxSequences: 1, prefixCaching: true, chunkedPrefill: true };
const REPLICA: ReplicaSettings = {
  pool: 0,
  role: "both",
  cost: COST,
  ...LIMITS,
  blockTokens: 16,
  kvBlocks: 101,
  overheadNs: 0,
  startUpNs: 3_500_000,
  rules: { ...vllmRules(LIMITS), stepsAhead: 0 },
};

function requests(count: number, output: number): RequestColumns {
  return {
    count,
    arrivalNs: new Float64Array(count),
    promptTokens: new Int32Array(count).fill(64),
    outputTokens: new Int32Array(count).fill(output),
    blockStart: new Int32Array(count + 1),
    blockIds: new Int32Array(0),
    blockTokens: 16,
  };
}

const INPUT: ServingInput = {
  requests: requests(1, 6),
  replicas: [REPLICA, REPLICA],
  routing: "least-loaded",
  seed: 1,
  stepping: "leap",
};

function run(changes: Partial<ServingInput>): ReturnType<typeof runServing> {
  return runServing({ ...INPUT, ...changes });
}

describe("a host that is lost", () => {
  it("has its requests computed anew elsewhere, with the tokens they have", () => {
    const { lastTokenNs, firstTokenNs, replica } = run({
      outages: [{ replica: 0, atNs: 2_500_000, untilNs: Infinity }],
      resubmitNs: 100_000,
    });
    // Two tokens are out and a third is under way: 67 of text in chunks of 64 and 3, which bring the fourth; then two more.
    expect(firstTokenNs[0]).toBe(1_064_000);
    expect(lastTokenNs[0]).toBe(2_600_000 + 1_064_000 + 1_003_000 + 2_000_000);
    expect(replica[0]).toBe(1);
  });

  it("takes its requests again when it is back, where there is no other", () => {
    const outages = [{ replica: 0, atNs: 500_000, untilNs: 10_000_000 }];
    const { firstTokenNs, queuedNs } = run({ replicas: [REPLICA], outages });
    expect([queuedNs[0], firstTokenNs[0]]).toEqual([0, 10_000_000 + 1_064_000]);
    const never = run({ replicas: [REPLICA], outages: [{ replica: 0, atNs: 500_000, untilNs: Infinity }] });
    expect([never.rejected, never.lastTokenNs[0]]).toEqual([1, -1]);
  });
});

describe("drawn losses", () => {
  it("come at their rate, one after the other on each host, and again for the same seed", () => {
    const rates = { replicas: 50, meanUpNs: 1e9, repairNs: 1e8, untilNs: 110e9, seed: 3 };
    const outages = drawOutages(rates);
    // A cycle is 1.1 s on average: 100 a host, and 5,000 in all with a standard deviation of about 64.
    expect(Math.abs(outages.length - 5000)).toBeLessThan(300);
    expect(drawOutages(rates)).toEqual(outages);
    const own = outages.filter(({ replica }) => replica === 7);
    for (const [i, { atNs }] of own.entries()) expect(atNs).toBeGreaterThan(i === 0 ? 0 : own[i - 1]!.untilNs);
  });

  const rates = { meanUpNs: 8_000_000, repairNs: 3_000_000, resubmitNs: 100_000 };
  const rows = requests(40, 6);
  const late = { ...rows, arrivalNs: Float64Array.from({ length: 40 }, (_, i) => 5e9 + 2_000_000 * i) };

  it("are the same given as a list and drawn as the run goes, from the first arrival on, leaping and one by one", () => {
    const drawn = { requests: late, replicas: [REPLICA, REPLICA].map((replica) => ({ ...replica, outages: rates })), outageSeed: 3 };
    const outages = drawOutages({ ...rates, replicas: 2, untilNs: 10e9, seed: 3 }).map(({ replica, atNs, untilNs }) => ({
      replica,
      atNs: 5e9 + atNs,
      untilNs: 5e9 + untilNs,
    }));
    const listed = run({ requests: late, outages, resubmitNs: rates.resubmitNs });
    const outcome = run(drawn);
    expect(outcome.hash).toBe(listed.hash);
    expect(outcome.resent).toBeGreaterThan(5);
    expect(run({ ...drawn, stepping: "unit" }).hash).toBe(outcome.hash);
    expect(run({ ...drawn, outageSeed: 4 }).hash).not.toBe(outcome.hash);
    expect(auditOutcome({ ...INPUT, ...drawn }, outcome)).toEqual([]);
    // Hosts under repair are paid for, from the first arrival on.
    expect([...outcome.replicaNs]).toEqual([outcome.endedNs - 5e9, outcome.endedNs - 5e9]);
  });

  it("are refused beside a list of losses, and where they never serve", () => {
    const replicas = [{ ...REPLICA, outages: rates }];
    expect(() => run({ replicas, outages: [{ replica: 0, atNs: 1, untilNs: 2 }] })).toThrow(/outages/);
    expect(() => run({ replicas: [{ ...REPLICA, outages: { ...rates, meanUpNs: 0 } }] })).toThrow(/outages/);
  });
});

describe("a fleet that scales", () => {
  const scaling = { initial: 1, least: 1, everyNs: 2_000_000, orderAbove: 1.5, drainBelow: 0.5 };

  it("orders replicas for the load there is, and they serve after their start-up", () => {
    const replicas = new Array<ReplicaSettings>(4).fill(REPLICA);
    const rows = requests(4, 6);
    const late = { ...rows, arrivalNs: Float64Array.from([0, 0, 0, 7_000_000]) };
    const { replica, scheduledNs, replicaNs, endedNs } = run({ requests: late, replicas, scaling });
    // 3 requests over 1.5: one more is ordered at 2 ms, and serves what arrives after 5.5 ms.
    expect([...replica]).toEqual([0, 0, 0, 1]);
    expect(scheduledNs[3]).toBe(7_000_000);
    expect(replicaNs[0]).toBe(endedNs);
    // Ordered at 2 ms, which is when it is paid from.
    expect([...replicaNs.subarray(1)]).toEqual([endedNs - 2_000_000, 0, 0]);
  });

  it("wants no second order while one starts, and one replica less when there is little to do", () => {
    expect(replicasWanted({ serving: 1, starting: 0, requests: 6 }, scaling)).toBe(4);
    expect(replicasWanted({ serving: 1, starting: 3, requests: 6 }, scaling)).toBe(4);
    expect(replicasWanted({ serving: 4, starting: 0, requests: 1 }, scaling)).toBe(1);
    expect(replicasWanted({ serving: 1, starting: 0, requests: 0 }, scaling)).toBe(1);
    expect(replicasWanted({ serving: 3, starting: 0, requests: 3 }, scaling)).toBe(3);
    // Hosts were lost.
    expect(replicasWanted({ serving: 0, starting: 1, requests: 1 }, { ...scaling, least: 2 })).toBe(2);
  });
});
