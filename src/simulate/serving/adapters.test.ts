// Goal: replicas never compute more adapters than they have slots, lose nobody who is passed over, and decide the same leaping and stepping; an adapter's
// load delays the iteration that needs it. Method: random small runs recounted after every event, planted faults, and runs worked out by hand.
import { describe, expect, it } from "vitest";
import { adapterCase, changingCase, changingSplitCase, offloadCase, splitCase } from "../../../test/support/serving-cases.ts";
import { popFront, pushBack } from "../../base/int-deque.ts";
import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import { DECISION, readDecisions } from "../../engine/serving/decision-log.ts";
import { keyTier } from "../../engine/serving/key-tier.ts";
import { type SchedulingRules, sglangRules, vllmRules } from "../../policy/serving/scheduling-rules.ts";
import { auditServing } from "./audit-serving.ts";
import { runServing } from "./run-serving.ts";
import type { AdapterSettings, IterationListener, ReplicaSettings, ServingInput } from "./serving-input.ts";
import type { ServingRun } from "./serving-state.ts";

const SEEDS = 60;
const RULES: readonly Partial<SchedulingRules>[] = [{}, { mixing: "prefill-first", victim: "fewest-outputs" }, { reserve: "output" }];

describe("random runs with adapters", () => {
  it("never have more adapters in an iteration than slots, keep their books and decide the same leaping and stepping", () => {
    let short = 0;
    let disk = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const input = adapterCase(seed, RULES[seed % RULES.length]);
      let most = 0;
      const onIteration: IterationListener = (_, __, ___, { lora }) => {
        most = Math.max(most, lora!.adapters);
      };
      const watched = { ...input, onIteration };
      const { faults, outcome } = auditServing(watched);
      expect(faults, `seed ${seed}`).toEqual([]);
      expect(most, `seed ${seed}`).toBeLessThanOrEqual(input.replicas[0]!.adapters!.slots);
      const unit = runServing({ ...input, stepping: "unit" });
      expect([unit.hash, unit.iterations, unit.endedNs, unit.adapters], `seed ${seed}`).toEqual([
        outcome.hash,
        outcome.iterations,
        outcome.endedNs,
        outcome.adapters,
      ]);
      short += outcome.adapters!.short;
      disk += outcome.adapters!.diskLoads;
    }
    expect(short).toBeGreaterThan(SEEDS);
    expect(disk).toBeGreaterThan(SEEDS);
  });

  it("do so with prefill and decode apart, on fleets that change and with KV outside the devices", () => {
    let loads = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const from = [splitCase, changingCase, changingSplitCase, offloadCase][seed % 4]!(seed);
      const input = adapterCase(seed, {}, from);
      const { faults, outcome } = auditServing(input);
      expect(faults, `seed ${seed}`).toEqual([]);
      expect(runServing({ ...input, stepping: "unit" }).hash, `seed ${seed}`).toBe(outcome.hash);
      loads += outcome.adapters!.loads;
    }
    expect(loads).toBeGreaterThan(SEEDS);
  });

  it("find no prefix of another adapter", () => {
    const rows = [0, 1, 0].map((adapter, i) => ({ at: i * 9e9, prompt: 64, output: 1, adapter, blocks: [7, 8, 9, 10] }));
    expect([...runServing(byHand(rows)).cachedTokens]).toEqual([0, 0, 48]);
    expect([...runServing(byHand(rows.map((row) => ({ ...row, adapter: 0 })))).cachedTokens]).toEqual([0, 48, 48]);
  });
});

/** Without loads beside iterations, which tampered queues and slots would begin again for ever. */
function oneAfterTheOther(input: ServingInput): ServingInput {
  return { ...input, replicas: input.replicas.map((replica) => ({ ...replica, adapters: { ...replica.adapters!, overlap: false } })) };
}

describe("planted faults", () => {
  const caught = (tamper: (run: ServingRun, event: number) => void): string => {
    for (let seed = 0; seed < SEEDS; seed++) {
      try {
        const { faults } = auditServing(oneAfterTheOther(adapterCase(seed)), { tamper });
        if (faults.length > 0) return faults.join("\n");
      } catch (thrown) {
        return String(thrown);
      }
    }
    return "not caught";
  };

  it("are caught by the recount", () => {
    const more = ({ replicas }: ServingRun, event: number): void => {
      if (event === 1) for (const { adapters } of replicas) adapters!.device = keyTier(9);
    };
    expect(caught(more)).toMatch(/an iteration has more adapters than slots|run in \d slots|more slots are used/);
    const early = ({ replicas, context: { requests } }: ServingRun): void => {
      const { adapters, running, runningCount } = replicas[0]!;
      const own = runningCount === 0 ? -1 : requests.adapter![running[0]!]!;
      if (own >= 0) adapters!.coming.push(own);
    };
    expect(caught(early)).toContain("runs before it has come");
    const emptied = ({ replicas }: ServingRun): void => {
      const { adapters, executing } = replicas[0]!;
      if (executing.active && executing.shape.lora!.adapters > 0) adapters!.device = keyTier(adapters!.device.capacity);
    };
    expect(caught(emptied)).toContain("runs without a slot");
    const forgotten = ({ replicas }: ServingRun): void => {
      const { adapters } = replicas[0]!;
      if (adapters!.device.size > 0) adapters!.host = keyTier(adapters!.host.capacity);
    };
    expect(caught(forgotten)).toContain("is not in the host's memory");
    const lost = ({ replicas }: ServingRun): void => {
      const { adapters, waiting } = replicas[0]!;
      if (waiting.size > 0) pushBack(adapters!.passed, popFront(waiting));
    };
    expect(caught(lost)).toContain("is not back in the queue");
    const swapped = ({ replicas }: ServingRun): void => {
      const { waiting } = replicas[0]!;
      if (waiting.size > 1) pushBack(waiting, popFront(waiting));
    };
    expect(caught(swapped)).toContain("passed another one of its adapter");
  });
});

const COST: IterationCost = {
  iterationNs: ({ prefillTokens, lora }) => 1_000_000 + 1000 * prefillTokens + 10 * (lora?.adapters ?? 0),
  spread: 0,
  basis: "data-sheet",
  source: "test",
};
const LIMITS = { maxBatchedTokens: 64, maxSequences: 4, prefixCaching: true, chunkedPrefill: true };
const SERVED: AdapterSettings = {
  slots: 1,
  hostAdapters: 2,
  rankMax: 64,
  computedRank: (rank) => rank,
  hostNs: () => 5000,
  diskNs: () => 900_000,
};

interface Row {
  readonly at: number;
  readonly prompt: number;
  readonly output: number;
  readonly adapter: number;
  readonly blocks?: readonly number[];
}

function byHand(rows: readonly Row[], changes: Partial<AdapterSettings> = {}, rules = vllmRules(LIMITS)): ServingInput {
  const blockStart = [0];
  for (const { blocks } of rows) blockStart.push(blockStart.at(-1)! + (blocks?.length ?? 0));
  const base = { pool: 0, role: "both" as const, cost: COST, ...LIMITS, blockTokens: 16, kvBlocks: 101, overheadNs: 0, startUpNs: 0 };
  const replica: ReplicaSettings = { ...base, rules: { ...rules, stepsAhead: 0 }, adapters: { ...SERVED, ...changes } };
  return {
    requests: {
      count: rows.length,
      arrivalNs: Float64Array.from(rows, ({ at }) => at),
      promptTokens: Int32Array.from(rows, ({ prompt }) => prompt),
      outputTokens: Int32Array.from(rows, ({ output }) => output),
      blockStart: Int32Array.from(blockStart),
      blockIds: Int32Array.from(rows.flatMap(({ blocks }) => blocks ?? [])),
      blockTokens: 16,
      adapter: Int32Array.from(rows, ({ adapter }) => adapter),
      adapterRanks: new Int32Array(8).fill(16),
    },
    replicas: [replica],
    routing: "round-robin",
    seed: 1,
    stepping: "leap",
  };
}

describe("a replica with one slot", () => {
  const rows: Row[] = [
    { at: 0, prompt: 10, output: 5, adapter: 0 },
    { at: 0, prompt: 10, output: 1, adapter: 1 },
    { at: 0, prompt: 10, output: 1, adapter: -1 },
    { at: 0, prompt: 10, output: 1, adapter: 0 },
  ];

  it("passes over who needs another adapter until the slot is free, and lets others by", () => {
    const { firstTokenNs, lastTokenNs, adapters } = runServing(byHand(rows));
    // The first iteration waits for a load from disk and host; three prompts are in it.
    const first = 905_000 + 1_030_000 + 10;
    expect([firstTokenNs[0], firstTokenNs[2], firstTokenNs[3]]).toEqual([first, first, first]);
    expect(lastTokenNs[0]).toBe(first + 4 * 1_000_010);
    expect(firstTokenNs[1]).toBe(first + 4 * 1_000_010 + 905_000 + 1_010_010);
    expect(adapters).toEqual({ admissions: 3, hits: 1, loads: 2, diskLoads: 2, loadNs: 2 * 905_000, short: 1 });
  });

  it("loads from the host what was on the device before, and from disk what the host let go", () => {
    const again = (adapter: number, i: number): Row => ({ at: i * 1e9, prompt: 10, output: 1, adapter });
    const told = (order: readonly number[]): number[] => {
      const { decisions } = runServing(byHand(order.map(again)));
      return [...readDecisions(decisions)].filter(({ kind }) => kind === DECISION.adapter).map(({ detail }) => detail);
    };
    expect(told([0, 1, 0, 1])).toEqual([1, 1, 0, 0]);
    // The host holds two: the third pushes the least recently used one out.
    expect(told([0, 1, 2, 0, 2])).toEqual([1, 1, 1, 1, 0]);
    const all = runServing(byHand([0, 1, 2].map(again), { hostAdapters: Infinity }));
    expect(all.adapters).toMatchObject({ loads: 3, diskLoads: 0, loadNs: 15_000 });
  });

  it("keeps the slots of sequences that decode while prompts have iterations of their own", () => {
    const rules = sglangRules(LIMITS);
    const { firstTokenNs, lastTokenNs } = runServing(byHand(rows, {}, rules));
    expect(firstTokenNs[1]).toBeGreaterThan(lastTokenNs[0]!);
    const two = runServing(byHand(rows, { slots: 2 }, rules));
    expect(two.firstTokenNs[1]).toBe(two.firstTokenNs[0]);
  });

  it("lets iterations go on beside loads where the engine does, one load after the other", () => {
    const plain = { at: 0, prompt: 10, output: 9, adapter: -1 };
    const others = [1, 2].map((adapter) => ({ at: 0, prompt: 10, output: 1, adapter }));
    const { lastTokenNs, firstTokenNs, adapters } = runServing(byHand([plain, ...others], { slots: 2, overlap: true }));
    // Both wait for their loads from disk; each joins the next iteration, and the plain one waits for nobody.
    expect(lastTokenNs[0]).toBe(1_010_000 + 8 * 1_000_000 + 2 * (10_000 + 10));
    expect([firstTokenNs[1], firstTokenNs[2]]).toEqual([2_020_010, 3_030_020]);
    expect(adapters).toMatchObject({ admissions: 2, hits: 0, loads: 2, loadNs: 0, short: 0 });
  });

  it("refuses requests with adapters that it does not serve, and ranks above its own", () => {
    const input = byHand(rows);
    const { adapters: _, ...without } = input.replicas[0]!;
    expect(() => runServing({ ...input, replicas: [without] })).toThrow(/a pool serves none/);
    expect(() => runServing(byHand(rows, { rankMax: 8 }))).toThrow(/rank 16, above lora.maxRank = 8/);
  });
});
