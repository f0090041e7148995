// Goal: rack files round-trip, and every mistake is one coded error with line and field. Method: one good file, altered place by place.
import { describe, expect, it } from "vitest";
import { HeddleError } from "../base/heddle-error.ts";
import type { Rack } from "./rack.ts";
import { RACK_TEXT_MAX, readRack, writeRack } from "./rack-file.ts";

const rack: Rack = {
  version: 1,
  name: "desk",
  fingerprint: "f00d",
  devices: [
    {
      id: "cpu-0-1",
      kind: "cpu",
      driver: "ort",
      threads: 2,
      cores: [0, 1],
      memory: "dram",
      calibration: {
        products: [
          { format: "int4", m: 1, n: 576, k: 1536, ns: 21_000 },
          { format: "int8-row", m: 512, n: 576, k: 1536, ns: 912_345.5 },
          { format: "block-int8", bits: 4, m: 1, n: 576, k: 1536, ns: 16_000 },
        ],
        attention: [{ rows: 1, context: 0, heads: 9, kvHeads: 3, headDim: 64, ns: 4_000 }],
        launchNs: 12_000,
        operatorNs: 900,
        kernels: {
          attention: [{ sequences: 8, context: 512, heads: 9, kvHeads: 3, headDim: 64, ns: 40_000 }],
          stepNs: 8_000,
          layerNs: 600,
        },
        streamBytesPerSecond: 1.4e10,
        noise: 0.04,
        concurrentSlowdown: 1.3,
      },
    },
    { id: "wasm-0", kind: "cpu", driver: "ort-wasm", threads: 1, cores: [0], memory: "dram" },
    {
      id: "card",
      kind: "gpu",
      driver: "none",
      threads: 1,
      cores: [1],
      memory: "dram",
      peaks: [
        { type: "bf16", operationsPerSecond: 1e14, basis: "data-sheet", source: "the maker's sheet" },
        { type: "f32", operationsPerSecond: 2e13, basis: "measured", source: "one product, 1024 x 1024 x 1024" },
      ],
      overheads: { launchNs: 2_500, operatorNs: 500, basis: "data-sheet", source: "the maker's guide" },
    },
  ],
  memories: [{ id: "dram", tier: "dram", capacityBytes: 25e9, bandwidthBytesPerSecond: 1.2e10, basis: "measured" }],
  links: [
    { from: "cpu-0-1", to: "wasm-0", via: "message-port", latencyNs: 9_000, bandwidthBytesPerSecond: 1e12, basis: "measured" },
    { from: "front-end", to: "cpu-0-1", via: "process", latencyNs: 30_000, bandwidthBytesPerSecond: 2e9, basis: "measured" },
  ],
};

function failure(text: string): HeddleError {
  try {
    readRack(text);
  } catch (thrown) {
    if (thrown instanceof HeddleError) return thrown;
    throw thrown;
  }
  throw new HeddleError("internal", { detail: "the rack was read" });
}

describe("rack file", () => {
  it("reads what it wrote", () => {
    expect(readRack(writeRack(rack))).toEqual(rack);
  });

  it("reads why there are no decode kernels", () => {
    const [first, ...rest] = rack.devices;
    const refused = { ...first!.calibration!, kernels: { refused: "WebAssembly without relaxed SIMD" } };
    const without = { ...rack, devices: [{ ...first!, calibration: refused }, ...rest] };
    expect(readRack(writeRack(without))).toEqual(without);
  });

  it("writes one table row a line", () => {
    expect(writeRack(rack)).toContain("{format: int4, m: 1, n: 576, k: 1536, ns: 21000}");
  });

  const lines = writeRack(rack).split("\n");
  const lineWith = (part: string): number => lines.findIndex((line) => line.includes(part)) + 1;
  const cases: readonly [string, string, string, string][] = [
    ["an unknown field", "name: desk", "nom: desk", "nom"],
    ["a wrong type", "threads: 2", "threads: two", "devices[0].threads"],
    ["a value out of range", "noise: 0.04", "noise: -1", "devices[0].calibration.noise"],
    ["a wrong enum", "driver: ort-wasm", "driver: ''", "devices[1].driver"],
    ["an unknown memory", "cores: [0]\n    memory: dram", "cores: [0]\n    memory: hbm", "devices[1].memory"],
    ["a repeated id", "id: wasm-0", "id: cpu-0-1", "devices[1].id"],
    ["a link to nowhere", "to: wasm-0", "to: tpu-9", "links[0].to"],
    ["a core listed twice", "cores: [0, 1]", "cores: [1, 1]", "devices[0].cores"],
    ["an unknown element type", "type: bf16", "type: tf32", "devices[2].peaks[0].type"],
    ["two peaks of a type", "type: f32", "type: bf16", "devices[2].peaks[1].type"],
    ["a peak of nothing", "operationsPerSecond: 100000000000000", "operationsPerSecond: 0", "devices[2].peaks[0].operationsPerSecond"],
    ["a peak without its source", "        source: the maker's sheet\n", "", "devices[2].peaks[0].source"],
    [
      "overheads beside a calibration",
      "cores: [0, 1]",
      "overheads: {launchNs: 1, operatorNs: 1, basis: measured, source: x}\n    cores: [0, 1]",
      "devices[0].overheads",
    ],
    ["bits where the format has its own", "k: 1536, ns: 21000", "bits: 4, k: 1536, ns: 21000", "devices[0].calibration.products[0].bits"],
    ["blocks of no bits", "format: block-int8, bits: 4", "format: block-int8", "devices[0].calibration.products[2].bits"],
    ["blocks of other bits", "bits: 4", "bits: 5", "devices[0].calibration.products[2].bits"],
    ["kernels without a step", "stepNs: 8000", "step: 8000", "devices[0].calibration.kernels"],
    ["a not-a-number", "latencyNs: 9000", "latencyNs: .nan", "links[0].latencyNs"],
    ["a repeated field", "name: desk", "name: desk\nname: chair", "name"],
  ];
  it.each(cases)("names the place of %s", (_name, good, bad, field) => {
    const text = lines.join("\n");
    expect(text).toContain(good);
    const error = failure(text.replace(good, bad));
    expect(error.code).toBe("rack-invalid");
    expect(error.where).toMatch(new RegExp(`^line \\d+, ${field.replaceAll(/[[\].]/g, "\\$&")}$`));
  });

  it("names the line", () => {
    const error = failure(lines.join("\n").replace("threads: 2", "threads: two"));
    expect(error.where).toBe(`line ${lineWith("threads: 2")}, devices[0].threads`);
  });

  const hostile: readonly [string, string][] = [
    ["an alias bomb", `a: &a [x]\n${"b: &b [*a, *a, *a, *a]\n".repeat(3)}version: *b`],
    ["deep sequences", "- ".repeat(50_000)],
    ["deep brackets", "[".repeat(50_000)],
    ["a long map", Array.from({ length: 20_000 }, (_, i) => `key${i}: 1`).join("\n")],
    ["too long a text", " ".repeat(RACK_TEXT_MAX + 1)],
    ["nothing", ""],
    ["a list", "- 1\n- 2"],
    ["two documents", "a: 1\n---\nb: 2"],
    ["a collection as key", "? [a, b]\n: 1"],
  ];
  it.each(hostile)("refuses %s", (_name, text) => {
    expect(failure(text).code).toBe("rack-invalid");
  });
});
