// Goal: on a real trace, leaps and single iterations decide alike, and caches and routing do what they are for. Method: the first 1,000 requests of
// the Mooncake conversation trace on 8 replicas, where the folder of shared data is there.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AFFINE_COST } from "../../../test/support/serving-cases.ts";
import type { RoutingName } from "../../plan/deployment/deployment.ts";
import { runServing } from "./run-serving.ts";
import type { ReplicaSettings, RequestColumns, ServingOutcome } from "./serving-input.ts";

const TRACE = "../shared/data/mooncake-traces/FAST25-release/traces/conversation_trace.jsonl";
const COUNT = 1000;

function firstRequests(): RequestColumns {
  const rows = readFileSync(TRACE, "utf8")
    .split("\n", COUNT)
    .map((line) => JSON.parse(line));
  const blockStart = new Int32Array(COUNT + 1);
  for (const [i, { hash_ids }] of rows.entries()) blockStart[i + 1] = blockStart[i]! + hash_ids.length;
  return {
    count: COUNT,
    arrivalNs: Float64Array.from(rows, ({ timestamp }) => timestamp * 1e6),
    promptTokens: Int32Array.from(rows, ({ input_length }) => input_length),
    outputTokens: Int32Array.from(rows, ({ output_length }) => output_length),
    blockStart,
    blockIds: Int32Array.from(rows.flatMap(({ hash_ids }) => hash_ids)),
    blockTokens: 512,
  };
}

describe.skipIf(!existsSync(TRACE))("the Mooncake trace", () => {
  const requests = existsSync(TRACE) ? firstRequests() : ({} as RequestColumns);
  const cost = {
    ...AFFINE_COST,
    iterationNs: (shape: Parameters<typeof AFFINE_COST.iterationNs>[0]) => 8 * AFFINE_COST.iterationNs(shape),
  };
  const limits = { maxBatchedTokens: 8192, maxSequences: 256, prefixCaching: true, chunkedPrefill: true };
  const replica: ReplicaSettings = {
    pool: 0,
    role: "both",
    cost,
    ...limits,
    blockTokens: 16,
    kvBlocks: 20_000,
    overheadNs: 0,
    startUpNs: 0,
  };
  const run = (routing: RoutingName, stepping: "leap" | "unit"): ServingOutcome =>
    runServing({ requests, replicas: new Array<ReplicaSettings>(8).fill(replica), routing, seed: 1, stepping });

  it("gives one hash leaping and stepping, with every routing", () => {
    for (const routing of ["round-robin", "random", "least-loaded", "prefix-aware", "priced"] as const) {
      const leap = run(routing, "leap");
      expect(run(routing, "unit").hash, routing).toBe(leap.hash);
      expect(leap.lastTokenNs.every((ns) => ns > 0)).toBe(true);
    }
  });

  it("finds more of its prompts cached where routing looks at caches", () => {
    const cached = (routing: RoutingName): number => run(routing, "leap").cachedTokens.reduce((sum, tokens) => sum + tokens, 0);
    expect(cached("prefix-aware")).toBeGreaterThan(1.3 * cached("random"));
    expect(cached("priced")).toBeGreaterThan(1.3 * cached("random"));
  });
});
