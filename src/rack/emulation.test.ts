// Goal: emulations are read and checked, hidden deviations are drawn alike everywhere and stay in their ranges. Method: one rack altered place by
// place; draws over many names.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { toHeddleError } from "../base/heddle-error.ts";
import { isEmulatedLink, pacedTransferNs, rackAtPace } from "./emulated-pace.ts";
import { hiddenDeviations, LINK_RANGE, rackDeviations, SPEED_RANGE } from "./hidden-deviations.ts";
import { OPERATOR_CLASSES, operatorClassOf } from "./operator-class.ts";
import type { Rack } from "./rack.ts";
import { readRack, writeRack } from "./rack-file.ts";
import { withWholeRows } from "./whole-rows.ts";

const rack: Rack = {
  version: 1,
  name: "desk",
  fingerprint: "made",
  devices: [
    { id: "cpu", kind: "cpu", driver: "ort", threads: 1, cores: [0], memory: "dram" },
    {
      id: "rdu",
      kind: "dataflow",
      driver: "emulated",
      threads: 1,
      cores: [1],
      memory: "hbm",
      peaks: [{ type: "bf16", operationsPerSecond: 1e14, basis: "data-sheet", source: "made up" }],
      overheads: { launchNs: 5, operatorNs: 0, basis: "data-sheet", source: "made up" },
      emulation: {
        arithmetic: "ort",
        format: "bf16",
        rounding: "inputs",
        shapes: { type: "bucketed", sizes: [1, 8, 64] },
        residency: { type: "reconfigure", stages: 2, reconfigureNs: 1000 },
        boundary: "stage",
        stateBoundary: "sequence",
        operators: { deny: [{ type: "Loop", reason: "no control flow" }] },
        compileNs: 2000,
        slowdown: 100,
        deviationSeed: 7,
        source: "made up",
      },
    },
  ],
  memories: [
    { id: "dram", tier: "dram", capacityBytes: 1e9, bandwidthBytesPerSecond: 1e10, basis: "measured" },
    { id: "hbm", tier: "hbm", capacityBytes: 1e9, bandwidthBytesPerSecond: 1e12, basis: "data-sheet", source: "made up" },
  ],
  links: [
    { from: "rdu", to: "cpu", via: "network", latencyNs: 1000, bandwidthBytesPerSecond: 1e9, basis: "data-sheet", source: "made up" },
    { from: "front-end", to: "cpu", via: "process", latencyNs: 10, bandwidthBytesPerSecond: 1e9, basis: "measured" },
  ],
};

const text = writeRack(rack);

function whereOf(altered: string): string | undefined {
  expect(altered).not.toBe(text);
  try {
    readRack(altered);
  } catch (thrown) {
    expect(toHeddleError(thrown).code).toBe("rack-invalid");
    return toHeddleError(thrown).where?.replace(/^line \d+, /, "");
  }
  return undefined;
}

describe("emulation of a rack file", () => {
  it("is read as it was written", () => {
    const read = readRack(text);
    expect(read).toEqual(withWholeRows(rack));
    expect(read.devices[1]!.emulation!.memoryBytesPerSecond).toBe(1e12);
    expect(writeRack(read)).toBe(text);
  });

  const faults: readonly [string, string, string, string][] = [
    ["emulation of a device that is there", "driver: emulated", "driver: ort", "devices[1].emulation"],
    ["an emulated device without one", "driver: ort", "driver: emulated", "devices[0].emulation"],
    ["a format without a peak", "format: bf16", "format: i8", "devices[1].emulation.format"],
    ["rounding to a format none is rounded to", "type: bf16", "type: f32", "devices[1].emulation.format"],
    ["buckets that fall", "sizes: [1, 8, 64]", "sizes: [8, 1, 64]", "devices[1].emulation.shapes.sizes"],
    ["a memory that another device has", "memory: hbm", "memory: dram", "devices[1].memory"],
    ["a device faster than itself", "slowdown: 100", "slowdown: 0.5", "devices[1].emulation.slowdown"],
    ["a denial without reason", "reason: no control flow", "domain: onnx", "devices[1].emulation.operators"],
    ["arithmetic of no driver", "arithmetic: ort", "arithmetic: abacus", "devices[1].emulation.arithmetic"],
    ["no source", "        source: made up\n", "", "devices[1].peaks[0].source"],
  ];
  it.each(faults)("refuses %s", (_name, good, bad, where) => {
    expect(whereOf(text.replace(good, bad))).toBe(where);
  });

  it("refuses rounding to f32", () => {
    const [cpu, rdu] = rack.devices;
    const peaks = [{ ...rdu!.peaks![0]!, type: "f32" as const }];
    const wrong = { ...rack, devices: [cpu!, { ...rdu!, peaks, emulation: { ...rdu!.emulation!, format: "f32" as const } }] };
    expect(whereOf(writeRack(wrong))).toBe("devices[1].emulation.rounding");
  });
});

describe("hidden deviations", () => {
  const names = Array.from({ length: 400 }, (_, i) => `device-${i}`);

  it("stay in their ranges and fill them", () => {
    const hidden = hiddenDeviations(3);
    const speeds = names.flatMap((name) => OPERATOR_CLASSES.map((each) => hidden.speed(name, each)));
    const links = names.map((name) => hidden.link(name, "cpu"));
    for (const [drawn, [low, high]] of [[speeds, SPEED_RANGE] as const, [links, LINK_RANGE] as const]) {
      expect(Math.min(...drawn)).toBeGreaterThanOrEqual(low);
      expect(Math.max(...drawn)).toBeLessThanOrEqual(high);
      expect(Math.min(...drawn)).toBeLessThan(low * 1.05);
      expect(Math.max(...drawn)).toBeGreaterThan(high / 1.05);
    }
    expect(new Set(speeds).size).toBe(speeds.length);
  });

  it("are a function of seed and names", () => {
    expect(hiddenDeviations(3).speed("a", "product")).toBe(hiddenDeviations(3).speed("a", "product"));
    expect(hiddenDeviations(3).speed("a", "product")).not.toBe(hiddenDeviations(4).speed("a", "product"));
    expect(hiddenDeviations(3).link("a", "b")).toBe(hiddenDeviations(3).link("b", "a"));
  });

  it("are none without a seed", () => {
    const { speed, link } = rackDeviations(rack);
    expect(speed("cpu", "product")).toBe(1);
    expect(speed("rdu", "product")).toBe(hiddenDeviations(7).speed("rdu", "product"));
    expect(link("front-end", "cpu")).toBe(1);
    expect(link("cpu", "rdu")).toBe(hiddenDeviations(7).link("rdu", "cpu"));
  });

  it("pace links by the slowdown of their ends", () => {
    const [toRdu, toCpu] = rack.links;
    const deviations = { speed: () => 1, link: () => 2 };
    expect(pacedTransferNs(rack, toRdu!, { bytes: 1000, deviations })).toBeCloseTo((2000 * 100) / 2);
    expect(pacedTransferNs(rack, toCpu!, { bytes: 1000, deviations })).toBeCloseTo(1010 / 2);
    expect(rack.links.map((link) => isEmulatedLink(rack, link))).toEqual([true, false]);
  });
});

it("slows the figures of emulated devices, their memories and links, and no others", () => {
  const paced = rackAtPace(rack);
  expect(paced.devices[0]).toEqual(rack.devices[0]);
  expect(paced.devices[1]!.peaks![0]).toMatchObject({ operationsPerSecond: 1e12, source: "emulated, 100 times slower than: made up" });
  expect(paced.devices[1]!.overheads).toMatchObject({ launchNs: 500 });
  expect(paced.memories.map(({ bandwidthBytesPerSecond }) => bandwidthBytesPerSecond)).toEqual([1e10, 1e10]);
  expect(paced.links).toMatchObject([{ latencyNs: 100_000, bandwidthBytesPerSecond: 1e7 }, { latencyNs: 10 }]);
});

it("classes operators by name", () => {
  const named = { MatMul: "product", Conv: "convolution", GroupQueryAttention: "attention", Softmax: "normalisation", Add: "elementwise" };
  for (const [type, found] of Object.entries(named)) expect(operatorClassOf({ type })).toBe(found);
  expect(["ConvTranspose", "LSTM", "Reshape", "QMoE", "LayerNormalization"].map((type) => operatorClassOf({ type }))).toEqual([
    "convolution",
    "recurrence",
    "movement",
    "product",
    "normalisation",
  ]);
});

it.each(["emulated-desk", "emulated-devices", "unlike-devices"])("reads the shipped rack %s", (name) => {
  const read = readRack(readFileSync(`examples/racks/${name}.yaml`, "utf8"));
  expect(read.name).toBe(name);
  for (const { emulation } of read.devices) if (emulation !== undefined) expect(emulation.source).toMatch(/ssumed|not emulated/);
});
