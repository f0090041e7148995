// Goal: extents, leaps and typed arrays give what vLLM's rules give block by block. Method: random runs on one replica that is short of blocks,
// against an oracle that keeps every block and forms every iteration by itself.
import { describe, expect, it } from "vitest";
import { perBlockEngine } from "../../../test/support/per-block-engine.ts";
import { BLOCK_TOKENS, servingCase } from "../../../test/support/serving-cases.ts";
import type { SchedulingRules } from "../../policy/serving/scheduling-rules.ts";
import { runServing } from "./run-serving.ts";
import type { ReplicaSettings, ServingInput } from "./serving-input.ts";

const SEEDS = 150;

/** On one replica, in an open loop, with keys of one block; `shared`: with the keys of the case. */
function oneReplica(seed: number, shared: boolean): ServingInput {
  const input = servingCase(seed);
  const { after: _after, thinkNs: _thinkNs, ...requests } = input.requests;
  const keys = shared ? {} : { blockStart: new Int32Array(requests.count + 1), blockIds: new Int32Array(0) };
  const sorted = { ...requests, ...keys, blockTokens: BLOCK_TOKENS };
  return { ...input, requests: sorted, replicas: [input.replicas[0]!], routing: "round-robin" };
}

function differences(input: ServingInput): { readonly faults: string[]; readonly duplicates: number; readonly preemptions: number } {
  const outcome = runServing(input);
  const oracle = perBlockEngine(input);
  const faults: string[] = [];
  for (let i = 0; i < input.requests.count; i++) {
    const ours = [outcome.firstTokenNs[i], outcome.lastTokenNs[i], outcome.cachedTokens[i]].join();
    const theirs = [oracle.first[i] ?? -1, oracle.last[i] ?? -1, oracle.cached[i] ?? -1].join();
    if (ours !== theirs) faults.push(`request ${i}: ${ours} against ${theirs}`);
  }
  if (outcome.preemptions !== oracle.preemptions) faults.push(`${outcome.preemptions} preemptions against ${oracle.preemptions}`);
  return { faults, duplicates: oracle.duplicates, preemptions: oracle.preemptions };
}

describe("one replica against an oracle by blocks", () => {
  it("meets every time, cache hit and preemption where no prefix is shared", () => {
    let preemptions = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const { faults, preemptions: count } = differences(oneReplica(seed, false));
      expect(faults, `seed ${seed}`).toEqual([]);
      preemptions += count;
    }
    expect(preemptions).toBeGreaterThan(SEEDS);
  });

  it("meets them with shared prefixes, where nobody computes what another has just computed", () => {
    let compared = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const { faults, duplicates } = differences(oneReplica(seed, true));
      if (duplicates > 0) continue;
      compared += 1;
      expect(faults, `seed ${seed}`).toEqual([]);
    }
    expect(compared).toBeGreaterThan(SEEDS / 3);
  });

  it("shows wrong rules", () => {
    const seen = (change: (replica: ReplicaSettings) => ReplicaSettings): number => {
      let count = 0;
      for (let seed = 0; seed < 60; seed++) {
        const input = oneReplica(seed, false);
        const ours = runServing({ ...input, replicas: input.replicas.map(change) });
        const { last } = perBlockEngine(input);
        if (ours.lastTokenNs.some((ns, i) => ns !== (last[i] ?? -1))) count += 1;
      }
      return count;
    };
    const withRules = (changes: Partial<SchedulingRules>) => seen((replica) => ({ ...replica, rules: { ...replica.rules!, ...changes } }));
    expect(seen((replica) => replica)).toBe(0);
    expect(withRules({ reserve: "chunk" })).toBeGreaterThan(5);
    expect(withRules({ victim: "fewest-outputs" })).toBeGreaterThan(5);
    expect(withRules({ reservedBlocks: 2 })).toBeGreaterThan(5);
    expect(withRules({ stepsAhead: 0 })).toBeGreaterThan(5);
    expect(withRules({ prefixCaching: false })).toBeGreaterThan(5);
  });
});
