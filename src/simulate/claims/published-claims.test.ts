import { describe, expect, it } from "vitest";
import { PUBLISHED_CLAIMS } from "./published-claims.ts";

describe("the published claims", () => {
  it("are ten, each with a value, a tolerance and a source", () => {
    expect(new Set(PUBLISHED_CLAIMS.map(({ id }) => id)).size).toBe(10);
    for (const { id, value, tolerance, source, statement } of PUBLISHED_CLAIMS) {
      expect(value, id).toBeGreaterThan(0);
      expect(tolerance, id).toBeGreaterThan(0);
      expect(tolerance, id).toBeLessThanOrEqual(0.3);
      expect(source, id).toMatch(/20\d\d|@[0-9a-f]{7}/);
      expect(statement.length, id).toBeGreaterThan(40);
    }
  });
});
