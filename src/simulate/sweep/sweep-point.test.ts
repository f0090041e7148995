// Points of a sweep: the grid in order, and what each value changes; a path that leads nowhere is an error that says so.
import { describe, expect, it } from "vitest";
import { sampleDeployment } from "../../../test/support/sample-deployment.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { gridPoint, gridSize, parseVary } from "./sweep-grid.ts";
import { type SweepPoint, sweepPoint } from "./sweep-point.ts";

const base = { deployment: sampleDeployment(), sheetOf: deviceSheet, seed: 1 };

function point(...changes: readonly (readonly [string, string])[]): SweepPoint {
  return sweepPoint(
    base,
    changes.map(([path, value]) => ({ path, value })),
  );
}

describe("a grid", () => {
  it("turns its last field fastest, and has every combination once", () => {
    const varies = [parseVary("a=1,2"), parseVary("b=x,y,z")];
    const points = Array.from({ length: gridSize(varies) }, (_none, index) => gridPoint(varies, index));
    expect(points.map((each) => each.map(({ value }) => value).join(""))).toEqual(["1x", "1y", "1z", "2x", "2y", "2z"]);
  });

  it.each(["a", "=1", "a=", "a=1,,2", "a=1,1"])("refuses %s", (text) => {
    expect(() => parseVary(text)).toThrow(/\[?usage|not understood/);
  });

  it("refuses a field twice, and more points than end", () => {
    expect(() => gridSize([parseVary("a=1"), parseVary("a=2")])).toThrow(/varied once/);
    const many = Array.from({ length: 7 }, (_none, at) => ({ path: `p${at}`, values: Array.from({ length: 10 }, String) }));
    expect(() => gridSize(many)).toThrow(/10000000 points/);
  });
});

describe("a point", () => {
  it("changes fields of the deployment, by a pool's number or name", () => {
    expect(point(["pools.0.replicas", "5"]).deployment.pools[0]!.replicas).toBe(5);
    expect(point(["pools.main.parallel.tensor", "4"], ["routing", "random"]).deployment).toMatchObject({ routing: "random" });
  });

  it("changes figures of devices, by value and by factor, and says of what", () => {
    const before = deviceSheet("h200-sxm").memory.bandwidthBytesPerSecond;
    const figure = (value: string) =>
      point(["sheet.h200-sxm.memory.bandwidthBytesPerSecond", value]).sheets.get("h200-sxm")!.memory.bandwidthBytesPerSecond;
    expect(figure("x2").value).toBe(2 * before.value);
    expect(figure("1e12")).toMatchObject({ value: 1e12, basis: "derived" });
    expect(figure("x2").source).toContain(before.source);
    expect(deviceSheet("h200-sxm").memory.bandwidthBytesPerSecond).toEqual(before);
  });

  it("changes the workload and the seed", () => {
    const { scale, seed } = point(["workload.rate", "2"], ["workload.length", "3"], ["workload.output", "0.5"], ["seed", "9"]);
    expect(scale).toEqual({ rate: 2, prompt: 3, output: 1.5 });
    expect(seed).toBe(9);
  });

  it("changes how many adapters there are and their rank, and leaves the rest of their law", () => {
    const adapters = { count: 10, exponent: 1.1, ranks: [8, 64], plain: 0.1, seed: 3 };
    const drawn = (...changes: readonly (readonly [string, string])[]) =>
      sweepPoint(
        { ...base, adapters },
        changes.map(([path, value]) => ({ path, value })),
      ).adapters;
    expect(drawn(["workload.adapters.count", "500"], ["workload.rate", "2"])).toEqual({ ...adapters, count: 500 });
    expect(drawn(["workload.adapters.rank", "16"], ["workload.adapters.count", "5"])).toEqual({ ...adapters, count: 5, ranks: [16] });
    expect(drawn(["workload.rate", "2"])).toBeUndefined();
    expect(() => drawn(["workload.adapters.popularity", "1"])).toThrow(/count and rank vary/);
    for (const value of ["0", "1.5", "many"]) expect(() => drawn(["workload.adapters.rank", value])).toThrow(/whole number from 1 to 4096/);
  });

  it.each([
    ["sheet.h200-sxm.memory.speed", "x2", /no figure speed/],
    ["sheet.h200-sxm.memory", "x2", /parts with figures/],
    ["sheet.h200-sxm.cores.clockHz", "x2", /no price of a sweep reads it/],
    ["sheet.h200-sxm.cores.localBytes", "x2", /no price of a sweep reads it/],
    ["sheet.h200-sxm.host.latencyNs", "x2", /no price of a sweep reads it/],
    ["sheet.h200-sxm.host.bandwidthBytesPerSecond", "x2", /scaleUp/],
    ["sheet.h100-sxm.memory.bandwidthBytesPerSecond", "x2", /no pool is of that device/],
    ["sheet.h200-sxm.memory.bandwidthBytesPerSecond", "fast", /no number above 0/],
    ["workload.size", "2", /rate, length, prompt, output/],
    ["workload.adapters.count", "5", /--adapters gives requests/],
    ["workload.rate", "-1", /no factor above 0/],
    ["pools.7.replicas", "2", /no such pool/],
    ["seed", "many", /no seed/],
  ])("refuses %s=%s", (path, value, message) => {
    expect(() => point([path, value])).toThrow(message);
  });

  it("that cannot be is an error of the deployment, not of the path", () => {
    expect(() => point(["pools.0.replicas", "-1"])).toThrow(/deployment/);
  });
});

it("refuses a field that no deployment has, so that no point of it is run", () => {
  for (const path of ["rooting", "pools.0.replica", "pools.0.engine.maxSeqs"]) {
    expect(() => point([path, "2"])).toThrow(
      expect.objectContaining({ code: "usage", detail: expect.stringContaining("leads to no field") }),
    );
  }
  expect(() => point(["pools.0.replicas", "many"])).toThrow(expect.objectContaining({ code: "deployment-invalid" }));
});
