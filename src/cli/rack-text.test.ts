// Goal: a rack for people says which devices were refused decode kernels, and why. Method: a synthetic rack with one that was, and one that was not asked.
import { expect, it } from "vitest";
import { syntheticDevice, syntheticRack } from "../../test/support/synthetic-rack.ts";
import { rackText } from "./rack-text.ts";

it("names devices that do not decode in block-int8 with the reason, and no others", () => {
  const asked = syntheticDevice("cpu-0");
  const refused = { ...asked, calibration: { ...asked.calibration!, kernels: { refused: "WebAssembly without relaxed SIMD" } } };
  const text = rackText(syntheticRack([refused, syntheticDevice("cpu-1", { cores: [1] })]));
  expect(text.match(/.* does not decode in block-int8.*/g)).toEqual([
    "cpu-0 does not decode in block-int8: WebAssembly without relaxed SIMD",
  ]);
});
