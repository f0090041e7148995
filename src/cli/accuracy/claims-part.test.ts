// Goal: rows of published figures show what was published and computed. Method: an exact count and a figure with a tolerance.
import { expect, it } from "vitest";
import { LORA_CLAIMS } from "../../simulate/claims/lora-claims.ts";
import { claimRows } from "./claims-part.ts";

it("shows figures that must be met exactly with all their digits, and rounds others", () => {
  const exact = LORA_CLAIMS.find(({ id }) => id === "lora-llama3-parameters")!;
  const rounded = { ...exact, id: "rounded", value: 123_456_789, tolerance: 0.5 };
  const computed = [exact, rounded].map(({ id, value }) => ({ id, computed: value, deviation: 0, inside: true }));
  const families = claimRows([exact, rounded], computed, "p").map(({ family }) => family);
  expect(families).toEqual([
    "lora-llama3-parameters: 41943040 parameters, computed 41943040; within 0 %",
    "rounded: 123457000 parameters, computed 123500000; within 50 %",
  ]);
});
