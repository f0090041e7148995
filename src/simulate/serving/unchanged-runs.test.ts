// Goal: runs of deployments that use none of the later features decide as they always did. Method: the decisions of seeded runs of each kind are rolled into one
// hash, kept here from before replicas with split roles could be lost, scaled or given room outside their devices.
import { describe, expect, it } from "vitest";
import { changingCase, offloadCase, servingCase, splitCase } from "../../../test/support/serving-cases.ts";
import { mix32 } from "../../base/prng.ts";
import { runServing } from "./run-serving.ts";
import type { ServingInput } from "./serving-input.ts";

const SEEDS = 40;

function rolled(make: (seed: number) => ServingInput): number {
  let hash = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const { hash: run, endedNs, iterations } = runServing(make(seed));
    for (const part of [...run].map((letter) => letter.charCodeAt(0))) hash = mix32(hash ^ part);
    hash = mix32(mix32(hash ^ iterations) ^ endedNs);
  }
  return hash;
}

describe("decisions of seeded runs", () => {
  it.each([
    ["one pool", servingCase, 4262547975],
    ["prefill and decode apart", splitCase, 3566665767],
    ["fleets that change", changingCase, 1241223632],
    ["KV outside the devices", offloadCase, 2455285989],
  ] as const)("are those of before: %s", (_name, make, hash) => {
    expect(rolled((seed) => make(seed))).toBe(hash);
  });
});
