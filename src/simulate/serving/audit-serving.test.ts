// Goal: whatever the requests, rules and routing, blocks and tokens are conserved, every request ends once, and leaps decide as single iterations
// do. Method: random small runs that are short of blocks, recounted after every event; planted faults show that each check can fail.
import { describe, expect, it } from "vitest";
import { changingCase, changingSplitCase, offloadCase, servingCase, splitCase } from "../../../test/support/serving-cases.ts";
import { referTo } from "../../engine/serving/block-pool.ts";
import { DECISION, readDecisions } from "../../engine/serving/decision-log.ts";
import type { SchedulingRules } from "../../policy/serving/scheduling-rules.ts";
import { tokenGain } from "../../policy/serving/token-gain.ts";
import { auditOutcome, auditServing } from "./audit-serving.ts";
import { STATE } from "./availability.ts";
import { runServing } from "./run-serving.ts";
import type { ServingRun } from "./serving-state.ts";

const SEEDS = 60;
const RULES: readonly Partial<SchedulingRules>[] = [
  {},
  { reserve: "chunk" },
  { reserve: "output" },
  { mixing: "prefill-first", victim: "fewest-outputs" },
  { chunkedPrefill: false, maxBatchedTokens: 64 },
  { gain: tokenGain({ draftTokens: 3, acceptance: 0.7 }) },
];

describe("random runs", () => {
  it("keep their books after every event and lose no request", () => {
    let preemptions = 0;
    let cached = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const input = servingCase(seed, RULES[seed % RULES.length]);
      const { faults, outcome } = auditServing(input);
      expect(faults, `seed ${seed}`).toEqual([]);
      preemptions += outcome.preemptions;
      cached += outcome.cachedTokens.reduce((sum, tokens) => sum + Math.max(0, tokens), 0);
    }
    // The cases are worth something only where blocks run short and prefixes are found.
    expect(preemptions).toBeGreaterThan(SEEDS / 2);
    expect(cached).toBeGreaterThan(SEEDS);
  });

  it("decide the same leaping and stepping", () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const input = servingCase(seed, RULES[seed % RULES.length]);
      const leap = runServing(input);
      const unit = runServing({ ...input, stepping: "unit" });
      expect([unit.hash, unit.iterations, unit.endedNs], `seed ${seed}`).toEqual([leap.hash, leap.iterations, leap.endedNs]);
      expect(unit.firstTokenNs).toEqual(leap.firstTokenNs);
      expect(unit.busyNs).toEqual(leap.busyNs);
    }
  });

  it("never preempt where room for all output is reserved", () => {
    for (let seed = 0; seed < SEEDS; seed++)
      expect(runServing(servingCase(seed, { reserve: "output" })).preemptions, `seed ${seed}`).toBe(0);
  });
});

describe("random runs with prefill and decode apart", () => {
  it("keep their books, move every KV once and free it where it came from", () => {
    let moved = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const { faults, outcome } = auditServing(splitCase(seed, RULES[seed % RULES.length]));
      expect(faults, `seed ${seed}`).toEqual([]);
      moved += outcome.decodeReplica!.filter((replica) => replica >= 0).length;
    }
    expect(moved).toBeGreaterThan(SEEDS);
  });

  it("decide the same leaping and stepping", () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const input = splitCase(seed, RULES[seed % RULES.length]);
      const leap = runServing(input);
      const unit = runServing({ ...input, stepping: "unit" });
      expect([unit.hash, unit.iterations, unit.endedNs], `seed ${seed}`).toEqual([leap.hash, leap.iterations, leap.endedNs]);
    }
  });
});

describe("random runs on fleets that change", () => {
  it("keep their books, end every request once and decide the same leaping and stepping", () => {
    let lost = 0;
    let ordered = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const input = changingCase(seed, RULES[seed % RULES.length]);
      const { faults, outcome } = auditServing(input);
      expect(faults, `seed ${seed}`).toEqual([]);
      expect(runServing({ ...input, stepping: "unit" }).hash, `seed ${seed}`).toBe(outcome.hash);
      for (const { kind, detail } of readDecisions(outcome.decisions)) {
        if (kind === DECISION.replica && detail === STATE.lost) lost += 1;
        if (kind === DECISION.replica && detail === STATE.starting) ordered += 1;
      }
    }
    expect(lost).toBeGreaterThan(SEEDS / 4);
    expect(ordered).toBeGreaterThan(SEEDS / 4);
  });
});

describe("random runs on fleets with prefill and decode apart that change", () => {
  it("keep their books, end every request once and decide the same leaping and stepping", () => {
    const seen = new Map<number, number>();
    const lost = { prefill: 0, decode: 0, both: 0, encode: 0 };
    for (let seed = 0; seed < 2 * SEEDS; seed++) {
      const input = changingSplitCase(seed, RULES[seed % RULES.length]);
      const { faults, outcome } = auditServing(input);
      expect(faults, `seed ${seed}`).toEqual([]);
      expect(runServing({ ...input, stepping: "unit" }).hash, `seed ${seed}`).toBe(outcome.hash);
      for (const { kind, replica } of readDecisions(outcome.decisions)) {
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
        if (kind === DECISION.restart) lost[input.replicas[replica]!.role] += 1;
      }
    }
    for (const kind of [DECISION.restart, DECISION.breakOff, DECISION.load]) expect(seen.get(kind), String(kind)).toBeGreaterThan(SEEDS);
    expect(lost.prefill).toBeGreaterThan(SEEDS / 4);
    expect(lost.decode).toBeGreaterThan(SEEDS / 4);
  });
});

describe("random runs with KV kept outside the devices", () => {
  it("keep their books and decide the same leaping and stepping", () => {
    let loads = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const input = offloadCase(seed, RULES[seed % RULES.length]);
      const { faults, outcome } = auditServing(input);
      expect(faults, `seed ${seed}`).toEqual([]);
      expect(runServing({ ...input, stepping: "unit" }).hash, `seed ${seed}`).toBe(outcome.hash);
      for (const { kind } of readDecisions(outcome.decisions)) if (kind === DECISION.transfer) loads += 1;
    }
    expect(loads).toBeGreaterThan(SEEDS / 2);
  });
});

describe("planted faults", () => {
  const caught = (tamper: (run: ServingRun, event: number) => void): string => {
    for (let seed = 0; seed < SEEDS; seed++) {
      try {
        const { faults } = auditServing(servingCase(seed), { tamper });
        if (faults.length > 0) return faults.join("\n");
      } catch (thrown) {
        return String(thrown);
      }
    }
    return "not caught";
  };
  const running = (run: ServingRun): number => (run.replicas[0]!.runningCount > 0 ? run.replicas[0]!.running[0]! : -1);

  it("are caught by the recount", () => {
    expect(caught(({ replicas }, event) => void (event === 5 && replicas[0]!.pool.free--))).toContain("free blocks are miscounted");
    expect(caught(({ replicas }, event) => void (event === 5 && replicas[0]!.pool.fresh--))).toContain("free blocks are miscounted");
    const own = (run: ServingRun): void => {
      if (running(run) >= 0) run.context.requests.ownBlocks[running(run)]! -= 1;
    };
    expect(caught(own)).toContain("blocks are lost");
    const computed = (run: ServingRun): void => {
      if (running(run) >= 0) run.context.requests.computed[running(run)]! += 100;
    };
    expect(caught(computed)).toContain("tokens have no room");
    const leaked = ({ replicas }: ServingRun): void => {
      const { pool } = replicas[0]!;
      if (pool.oldest >= 0 && pool.key[pool.oldest]! >= 0) referTo(pool, pool.oldest);
    };
    expect(caught(leaked)).toContain("an extent is held by nobody");
    expect(caught(({ replicas }, event) => void (event === 3 && replicas[0]!.backlogTokens++))).toContain("backlog is miscounted");
  });

  it("are caught where replicas with split roles are lost", () => {
    const caughtSplit = (tamper: (run: ServingRun, event: number) => void): string => {
      for (let seed = 0; seed < 2 * SEEDS; seed++) {
        try {
          const { faults } = auditServing(changingSplitCase(seed), { tamper });
          if (faults.length > 0) return faults.join("\n");
        } catch (thrown) {
          return String(thrown);
        }
      }
      return "not caught";
    };
    const moving = (run: ServingRun): number => [...run.coming.keys()].find((row) => row >= run.input.requests.count) ?? -1;
    // KV that is there twice, that never arrives, that nobody knows to be kept, and a request that goes back with fewer tokens than it has.
    expect(caughtSplit((run) => void (moving(run) >= 0 && run.context.requests.ownBlocks[moving(run)]!++))).toContain("blocks are lost");
    expect(caughtSplit((run) => void (moving(run) >= 0 && run.coming.delete(moving(run))))).toMatch(/not under way|miscounted/);
    expect(caughtSplit((run) => void run.kept.clear())).not.toBe("not caught");
    const forgetful = (run: ServingRun): void => {
      const { requests } = run.context;
      const { count } = run.input.requests;
      for (let i = 0; i < count; i++) if (requests.output[i]! > 1 && requests.left[i] === 1) requests.output[i] = 2;
    };
    expect(caughtSplit(forgetful)).toContain("another text");
    expect(caughtSplit(({ available }) => void available.stranded.splice(0))).toContain("ends 0 times");
  });

  it("are caught in an outcome", () => {
    const input = servingCase(1);
    const outcome = runServing(input);
    expect(auditOutcome(input, outcome)).toEqual([]);
    expect(auditOutcome(input, { ...outcome, rejected: outcome.rejected + 1 })).toEqual(["rejected requests are miscounted"]);
    expect(auditOutcome(input, { ...outcome, decisions: new Uint8Array(0) })[0]).toContain("ends 0 times");
    expect(auditOutcome(input, { ...outcome, firstTokenNs: outcome.lastTokenNs }).join()).toContain("in no time");
    const early = outcome.firstTokenNs.map((ns) => ns - 1e12);
    expect(auditOutcome(input, { ...outcome, firstTokenNs: early }).join()).toContain("out of order");
  });
});
