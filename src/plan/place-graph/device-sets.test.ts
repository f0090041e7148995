// Goal: devices that share cores never work together, shared memory is divided, like devices are one type. Method: small racks.
import { describe, expect, it } from "vitest";
import { syntheticDevice, syntheticRack } from "../../../test/support/synthetic-rack.ts";
import { deviceSets } from "./device-sets.ts";

const both = syntheticDevice("both", { cores: [0, 1], threads: 2 });
const first = syntheticDevice("first", { cores: [0] });
const second = syntheticDevice("second", { cores: [1] });
const far = syntheticDevice("far", { cores: [0], memory: "hbm" });

describe("sets of devices", () => {
  it("holds no two devices that share a core of one memory", () => {
    const sets = deviceSets(syntheticRack([both, first, second, far]), 0).map(({ ids }) => [...ids].sort().join(" "));
    expect(sets.sort()).toEqual(["both far", "far first second"]);
  });

  it("divides a memory by the devices of the set that share it, and keeps the reserve free", () => {
    const [set] = deviceSets(syntheticRack([first, second], 1e9), 0.1);
    expect(set!.types).toHaveLength(1);
    expect(set!.types[0]).toMatchObject({ count: 2, memoryBytes: 0.45e9, ids: ["first", "second"] });
    const [own] = deviceSets(syntheticRack([first, far], 1e9), 0.1);
    expect(own!.types.map(({ count, memoryBytes }) => [count, memoryBytes])).toEqual([[2, 0.9e9]]);
  });

  it("leaves a device without a link alone", () => {
    const rack = syntheticRack([first, second, far]);
    const links = rack.links.filter(({ from, to }) => from !== "far" && to !== "far");
    expect(deviceSets({ ...rack, links }, 0).map(({ ids }) => ids)).toEqual([["first", "second"], ["far"]]);
  });
});
