// Goal: the price goes the right way with each of its terms. Method: two replicas that differ in one thing.
import { describe, expect, it } from "vitest";
import { LINEAR_COST } from "../../../test/support/replica-rig.ts";
import type { ReplicaView } from "../routing.ts";
import { pricedRouting } from "./priced-routing.ts";

const VIEW: ReplicaView = {
  replica: 0,
  assigned: 1,
  maxSequences: 4,
  backlogTokens: 0,
  cachedTokens: 0,
  meanContextTokens: 200,
  cost: LINEAR_COST,
  stages: 1,
};
const REQUEST = { promptTokens: 600, maxNewTokens: 50, expectedTokens: 128 };

function cheapest(change: Partial<ReplicaView>): number {
  return pricedRouting.price(REQUEST, [
    { ...VIEW, ...change },
    { ...VIEW, replica: 1 },
  ])[0]!.replica;
}

describe("priced routing", () => {
  it("breaks ties by id", () => {
    expect(cheapest({})).toBe(0);
  });

  it("prefers what is cached, idle, and without a backlog", () => {
    expect(cheapest({ cachedTokens: 512 })).toBe(0);
    expect(cheapest({ assigned: 2 })).toBe(1);
    expect(cheapest({ backlogTokens: 100 })).toBe(1);
  });

  it("goes to the state only while the way there is not too crowded", () => {
    expect(cheapest({ cachedTokens: 512, backlogTokens: 300 })).toBe(0);
    expect(cheapest({ cachedTokens: 512, backlogTokens: 3000 })).toBe(1);
  });

  it("prices prefill by chunks: 600 tokens cost as many steps as they take", () => {
    const [price] = pricedRouting.price(REQUEST, [{ ...VIEW, assigned: 0 }]);
    expect(price!.prefillNs).toBeCloseTo((1_000_000 + 256 * 10_000) * (600 / 256), 0);
    expect(price!.loadLeftNs).toBe(0);
  });
});
