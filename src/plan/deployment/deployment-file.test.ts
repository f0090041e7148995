// Goal: a deployment file says all it means, what it leaves out is filled in by name, and a wrong one is refused with line and field. Method: the
// examples, round trips, and one fault a case.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../base/heddle-error.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { readDeployment, writeDeployment } from "./deployment-file.ts";

const FOLDER = "examples/deployments";
const LOAD = "orderAbove: 2, drainBelow: 1";
const ENCODE =
  "version: 1\nmodel: m\npools:\n  - { device: d, role: encode }\n  - { device: e, name: b }\nkvTransfer: { bandwidthBytesPerSecond: 1, latencyNs: 0 }\n";
const SPLIT =
  "version: 1\nmodel: m\npools:\n  - { device: d, role: prefill }\n  - { device: d, role: decode, name: b }\nkvTransfer: { bandwidthBytesPerSecond: 1, latencyNs: 0 }\n";
const SMALL = "version: 1\nmodel: m\npools:\n  - device: d\n";

const GATHER = "batchWaitTimeoutIters: 20, batchWaitMaxTokensRatio: 0.9";
const held = (engine: string, settings: string, parallel = "data: 1"): string =>
  `${SMALL}    parallel: { ${parallel} }\n    engine: { name: ${engine}, ${settings} }\n`;

function fault(text: string): HeddleError {
  try {
    readDeployment(text);
  } catch (thrown) {
    if (thrown instanceof HeddleError) return thrown;
    throw thrown;
  }
  return expect.unreachable("nothing was refused");
}

describe("deployment files", () => {
  it.each(readdirSync(FOLDER).filter((name) => name.endsWith(".yaml")))(
    "%s is read, and written back it reads the same, without defaults",
    (name) => {
      const { deployment } = readDeployment(readFileSync(join(FOLDER, name), "utf8"));
      const again = readDeployment(writeDeployment(deployment));
      expect(again.deployment).toEqual(deployment);
      expect(again.defaults).toEqual([]);
      expect(readDeployment(JSON.stringify(deployment)).deployment).toEqual(deployment);
    },
  );

  it("names every value that it fills in, with the reason", () => {
    const { deployment, defaults } = readDeployment(`${SMALL}    engine: { maxSequences: 7 }\n`);
    const fields = defaults.map(({ field }) => field);
    expect(fields).toContain("routing");
    expect(fields).toContain("pools.0.engine.maxBatchedTokens");
    expect(fields).toContain("pools.0.precision.kv");
    expect(fields).not.toContain("pools.0.engine.maxSequences");
    expect(defaults.every(({ value, reason }) => value !== "" && reason !== "" && reason !== "undefined")).toBe(true);
    const { engine } = deployment.pools[0]!;
    expect(engine).toMatchObject({ maxSequences: 7, maxBatchedTokens: 2048, blockTokens: 16, prefixCaching: true });
    expect(defaults.find(({ field }) => field === "pools.0.engine.maxBatchedTokens")!.value).toBe(String(engine.maxBatchedTokens));
  });

  it.each([
    ["l40s", 2048, 256],
    ["a100-sxm", 2048, 256],
    ["h100-sxm", 8192, 1024],
    ["H200", 8192, 1024],
    ["mi300x", 8192, 1024],
    ["tpu-v5p", 2048, 256],
    ["no-such-device", 2048, 256],
  ])("fills in for %s what vLLM's server takes there: %d tokens, %d sequences", (device, maxBatchedTokens, maxSequences) => {
    const text = `version: 1\nmodel: m\npools:\n  - device: ${device}\n`;
    expect(readDeployment(text).deployment.pools[0]!.engine).toMatchObject({ maxBatchedTokens, maxSequences });
    const h100 = deviceSheet("h100-sxm");
    expect(readDeployment(text, () => h100).deployment.pools[0]!.engine).toMatchObject({ maxBatchedTokens: 8192, maxSequences: 1024 });
  });

  it.each([
    ["sglang", "l4", 1, 2048, 2048, 16],
    ["sglang", "l40s", 1, 4096, 2048, 16],
    ["sglang", "a100-sxm", 1, 8192, 2048, 16],
    ["sglang", "h100-sxm", 1, 8192, 2048, 16],
    ["sglang", "h100-sxm", 4, 2048, 2048, 16],
    ["sglang", "h200-sxm", 1, 8192, 2048, 16],
    ["sglang", "b200-sxm", 1, 16_384, 2048, 16],
    ["sglang", "mi300x", 1, 16_384, 2048, 16],
    ["sglang", "no-such-device", 1, 4096, 2048, 16],
    ["trtllm", "h100-sxm", 1, 8192, 2048, 32],
    ["trtllm", "l40s", 4, 8192, 2048, 32],
    ["heddle", "h100-sxm", 1, 8192, 1024, 16],
  ])("fills in for %s on %s with %d ranks what its own server takes", (name, device, data, maxBatchedTokens, maxSequences, blockTokens) => {
    const text = `version: 1\nmodel: m\npools:\n  - device: ${device}\n    parallel: { data: ${data} }\n    engine: { name: ${name} }\n`;
    const { deployment, defaults } = readDeployment(text);
    expect(deployment.pools[0]!.engine).toMatchObject({ name, maxBatchedTokens, maxSequences, blockTokens });
    const said = Object.fromEntries(defaults.map(({ field, reason }) => [field.slice("pools.0.engine.".length), reason]));
    if (name === "sglang") expect(said["maxBatchedTokens"]).toMatch(/^SGLang's server/);
    if (name === "trtllm") expect(said["maxSequences"]).toMatch(/^trtllm-serve/);
    // A value that is not the engine's own says whose it is.
    if (name !== "heddle") expect(said["memoryFraction"]).toMatch(/^vLLM, .*(SGLang|trtllm)/);
  });

  it("fills in what scaling and losses leave out", () => {
    const { deployment, defaults } = readDeployment(
      `${SMALL}    replicas: 3\n    scaling: { least: 2, ${LOAD} }\n    outages: { meanUpNs: 6.0e+12, repairNs: 5 }\n`,
    );
    expect(deployment.pools[0]).toMatchObject({
      scaling: { least: 2, everyNs: 15e9, orderAbove: 2, drainBelow: 1 },
      outages: { meanUpNs: 6e12, repairNs: 5, resubmitNs: 0 },
    });
    const filled = defaults.map(({ field }) => field).filter((field) => /scaling|outages/.test(field));
    expect(filled).toEqual(["pools.0.scaling.everyNs", "pools.0.outages.resubmitNs"]);
  });

  it("reads amounts with their units, and is of version 1 where it says none", () => {
    const units = SPLIT.replace("bandwidthBytesPerSecond: 1, latencyNs: 0", "bandwidthBytesPerSecond: 25 GB/s, latencyNs: 50 us").replace(
      "role: prefill",
      "role: prefill, startUpNs: 90 s, outages: { meanUpNs: 720 h, repairNs: 10 min }, offload: { bytes: 400 GiB, bandwidthBytesPerSecond: 400 Gb/s }",
    );
    const numbers = SPLIT.replace(
      "bandwidthBytesPerSecond: 1, latencyNs: 0",
      "bandwidthBytesPerSecond: 25000000000, latencyNs: 50000",
    ).replace(
      "role: prefill",
      "role: prefill, startUpNs: 90000000000, outages: { meanUpNs: 2592000000000000, repairNs: 600000000000 }, offload: { bytes: 429496729600, bandwidthBytesPerSecond: 50000000000 }",
    );
    expect(readDeployment(units)).toEqual(readDeployment(numbers));
    expect(readDeployment(SMALL.replace("version: 1\n", ""))).toEqual(readDeployment(SMALL));
    expect(() => readDeployment(SPLIT.replace("Second: 1", "Second: 25 GB"))).toThrow(
      /kvTransfer.bandwidthBytesPerSecond.*a number of bytes\/s, or text such as "3.35 TB\/s"/,
    );
    expect(() => readDeployment(SPLIT.replace("latencyNs: 0", "latencyNs: 0.3 ns"))).toThrow(/line 6, kvTransfer.latencyNs/);
  });

  it("fills in what a balance of ranks leaves out, as TensorRT-LLM does", () => {
    const { deployment, defaults } = readDeployment(held("trtllm", "attentionDpBalance: { timeoutIters: 60 }", "data: 2"));
    expect(deployment.pools[0]!.engine.attentionDpBalance).toEqual({ timeoutIters: 60, batchingWaitIters: 10 });
    expect(defaults.filter(({ field }) => field.includes("Balance"))).toEqual([
      { field: "pools.0.engine.attentionDpBalance.batchingWaitIters", value: "10", reason: "TensorRT-LLM" },
    ]);
    expect(readDeployment(writeDeployment(deployment))).toEqual({ deployment, defaults: [] });
    expect(readDeployment(SMALL).deployment.pools[0]!.engine).not.toHaveProperty("attentionDpBalance");
  });

  it.each([
    ["not YAML", "version: [1", "line 1"],
    ["no pools", "version: 1\nmodel: m\npools: []\n", "pools"],
    ["an unknown field", `${SMALL}    engine: { maxSequence: 7 }\n`, "line 5, pools[0].engine.maxSequence"],
    ["a role that is not simulated", `${SMALL}    role: ffn\n`, "line 5, pools[0].role"],
    ["experts that do not divide the devices", `${SMALL}    parallel: { tensor: 4, expert: 3 }\n`, "pools[0].parallel.expert"],
    ["prefill without decode", `${SMALL}    role: prefill\n`, "pools"],
    ["a transfer between nobody", `${SMALL}kvTransfer: { bandwidthBytesPerSecond: 1, latencyNs: 0 }\n`, "line 5, kvTransfer"],
    ["disaggregation without a link", `${SMALL}    role: prefill\n  - { device: d, role: decode, name: b }\n`, "kvTransfer"],
    ["feed-forwards apart with adapters", `${SMALL}    ffn: { device: e }\n    lora: { maxLoras: 2 }\n`, "pools[0].ffn"],
    ["an encode pool alone", `${SMALL}    role: encode\n`, "pools"],
    ["an encode pool without a link", `${SMALL}  - { device: d, role: encode, name: b }\n`, "kvTransfer"],
    ["encoders twice", ENCODE.replace("device: e", "device: e, encoder: {}"), "pools[1].encoder"],
    ["an encoder in a decode pool", SPLIT.replace("role: decode", "role: decode, encoder: {}"), "pools[1].encoder"],
    ["an encoder of another engine", `${SMALL}    encoder: {}\n    engine: { name: trtllm }\n`, "pools[0].encoder"],
    ["images dealt to one rank", `${SMALL}    encoder: { parallel: data }\n`, "pools[0].encoder.parallel"],
    [
      "a budget of SGLang's encoder",
      `${SMALL}    encoder: { batchTokens: 9 }\n    engine: { name: sglang }\n`,
      "pools[0].encoder.batchTokens",
    ],
    ["an encode pool that scales", ENCODE.replace("device: d", `device: d, scaling: { least: 1, ${LOAD} }`), "pools[0].scaling"],
    ["an encode pool with KV", ENCODE.replace("device: d", "device: d, engine: { kvBlocks: 5 }"), "pools[0].engine.kvBlocks"],
    ["blocks of an encode pool", ENCODE.replace("device: d", "device: d, engine: { blockTokens: 32 }"), "pools[0].engine.blockTokens"],
    ["an encode pool that starts", ENCODE.replace("device: d", "device: d, startUpNs: 5"), "pools[0].startUpNs"],
    [
      "an encode pool that holds prompts back",
      ENCODE.replace("device: d", "device: d, engine: { name: sglang, schedulerRecvInterval: 5 }"),
      "pools[0].engine.schedulerRecvInterval",
    ],
    ["an encode pool in stages", ENCODE.replace("device: d", "device: d, parallel: { pipeline: 2 }"), "pools[0].parallel.pipeline"],
    ["an encode pool in 8 bits", ENCODE.replace("device: d", "device: d, precision: { weights: f8e4m3 }"), "pools[0].precision.weights"],
    ["feed-forwards apart of a prefill pool", SPLIT.replace("role: prefill", "role: prefill, ffn: { device: e }"), "pools[0].ffn"],
    ["two pools of one name", `${SMALL}    name: a\n  - { device: d, name: a }\n`, "pools[1].name"],
    ["a fraction above 1", `${SMALL}    engine: { memoryFraction: 1.2 }\n`, "pools[0].engine.memoryFraction"],
    ["scaling beyond the replicas", `${SMALL}    scaling: { least: 2, ${LOAD} }\n`, "line 5, pools[0].scaling.least"],
    ["more replicas at first than there are", `${SMALL}    scaling: { least: 1, initial: 2, ${LOAD} }\n`, "pools[0].scaling.initial"],
    ["giving back above ordering", `${SMALL}    scaling: { least: 1, orderAbove: 2, drainBelow: 2 }\n`, "pools[0].scaling.drainBelow"],
    ["scaling that looks without end", `${SMALL}    scaling: { least: 1, everyNs: 1, ${LOAD} }\n`, "pools[0].scaling.everyNs"],
    ["scaling of one pool of two", `${SMALL}    scaling: { least: 1, ${LOAD} }\n  - { device: d, name: b }\n`, "pools[0].scaling"],
    [
      "scaling of one decode pool of two",
      SPLIT.replace("role: decode", `name: a, role: decode, scaling: { least: 1, ${LOAD} } }\n  - { device: d, role: decode`),
      "pools[1].scaling",
    ],
    [
      "drafts of a prefill pool",
      SPLIT.replace("role: prefill", "role: prefill, speculation: { draftTokens: 1, acceptance: 0.5, draftCost: 0 }"),
      "pools[0].speculation",
    ],
    ["hosts lost in no time", `${SMALL}    outages: { meanUpNs: 1, repairNs: 1 }\n`, "line 5, pools[0].outages.meanUpNs"],
    [
      "prompts that never fit an iteration",
      `${SMALL}    engine: { chunkedPrefill: false, maxBatchedTokens: 100, maxModelTokens: 200 }\n`,
      "pools[0].engine.maxBatchedTokens",
    ],
    [
      "a setting of SGLang for vLLM",
      `${SMALL}    engine: { schedulerRecvInterval: 10 }\n`,
      "line 5, pools[0].engine.schedulerRecvInterval",
    ],
    ["a setting of TensorRT-LLM for SGLang", held("sglang", GATHER), "pools[0].engine.batchWaitTimeoutIters"],
    ["a setting of TensorRT-LLM for heddle's own engine", held("heddle", "attentionDpBalance: {}"), "pools[0].engine.attentionDpBalance"],
    ["one limit of two that never waits", held("trtllm", "batchWaitTimeoutIters: 20"), "pools[0].engine.batchWaitTimeoutIters"],
    ["a share without its timeout", held("trtllm", "batchWaitMaxTokensRatio: 0.9"), "pools[0].engine.batchWaitMaxTokensRatio"],
    ["gathering with data-parallel attention", held("trtllm", GATHER, "data: 2"), "pools[0].engine.batchWaitTimeoutIters"],
    ["a balance of one rank", held("trtllm", "attentionDpBalance: {}"), "pools[0].engine.attentionDpBalance"],
    ["a round of no iterations", held("trtllm", "attentionDpBalance: { timeoutIters: 0 }", "data: 2"), "attentionDpBalance.timeoutIters"],
    [
      "prompts held back where there are none",
      SPLIT.replace("role: decode", "role: decode, engine: { name: sglang, schedulerRecvInterval: 10 }"),
      "pools[1].engine.schedulerRecvInterval",
    ],
    [
      "prompts held back from no decodes",
      SPLIT.replace("role: prefill", "role: prefill, engine: { name: sglang, schedulerRecvInterval: 10 }"),
      "pools[0].engine.schedulerRecvInterval",
    ],
  ])("refuses %s", (_what, text, where) => {
    const error = fault(text);
    expect(error.code).toBe("deployment-invalid");
    expect(error.where).toContain(where);
  });
});
