// Goal: whatever the text, a rack file is a valid rack or `rack-invalid`, in bounded time. Method: seeded damage to a good file; random trees.
import type { Rack } from "../../src/rack/rack.ts";
import { checkRack } from "../../src/rack/rack-check.ts";
import { readRack, writeRack } from "../../src/rack/rack-file.ts";
import { fuzzTextFile } from "./text-file.ts";

const rack: Rack = {
  version: 1,
  name: "fuzz",
  fingerprint: "0123456789abcdef",
  devices: [0, 1].map((core) => ({
    id: `cpu-${core}`,
    kind: "cpu" as const,
    driver: "ort",
    threads: 1,
    cores: [core],
    memory: "dram",
    calibration: {
      products: [1, 8, 64].map((m) => ({ format: "int4" as const, m, n: 576, k: 1536, ns: 20_000 * m })),
      attention: [{ rows: 1, context: 64, heads: 9, kvHeads: 3, headDim: 64, ns: 4_000 }],
      launchNs: 12_000,
      operatorNs: 900,
      streamBytesPerSecond: 1.4e10,
      noise: 0.04,
    },
  })),
  memories: [{ id: "dram", tier: "dram", capacityBytes: 25e9, bandwidthBytesPerSecond: 1.2e10, basis: "measured" }],
  links: [{ from: "cpu-0", to: "cpu-1", via: "message-port", latencyNs: 9_000, bandwidthBytesPerSecond: 1e12, basis: "measured" }],
};

fuzzTextFile({
  name: "rack file",
  good: rack,
  read: readRack,
  write: writeRack,
  check: checkRack,
  code: "rack-invalid",
  where: /^line \d+, ./,
  keys: ["version", "name", "devices", "memories", "links", "fingerprint", "calibration"],
  seed: 7,
});
