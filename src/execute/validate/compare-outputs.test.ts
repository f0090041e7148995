// Goal: results of 8 bits may be a neighbour where rounding falls either way, for a few values and where it is asked for. Method: bytes by hand.
import { expect, it } from "vitest";
import type { HostTensor } from "../device/tensor.ts";
import { compareOutputs } from "./compare-outputs.ts";

const bytes = (change: (value: number, at: number) => number): { readonly y: HostTensor } => ({
  y: { type: "u8", dims: [200], data: Uint8Array.from({ length: 200 }, (_, at) => change(100 + (at % 50), at)) },
});

it.each([
  ["equal bytes", true, (value: number) => value, "pass"],
  ["one a step away", true, (value: number, at: number) => value + (at === 7 ? 1 : 0), "pass"],
  ["one a step away in an operator that rounds nothing", false, (value: number, at: number) => value + (at === 7 ? 1 : 0), "fail"],
  ["one two steps away", true, (value: number, at: number) => value + (at === 7 ? 2 : 0), "fail"],
  ["many a step away", true, (value: number, at: number) => value - (at % 10 === 0 ? 1 : 0), "fail"],
] as const)("%s", (_name, mayStep, change, verdict) => {
  const finding = compareOutputs("operators", "case", {
    reference: bytes((value) => value),
    device: bytes(change),
    tolerance: 1e-5,
    mayStep,
  });
  expect(finding.verdict).toBe(verdict);
});
