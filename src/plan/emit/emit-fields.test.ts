// Goal: nothing of a deployment is left out of what is written for other systems. Method: every field of the schema is changed for every target: what is
// written changes, or a note or an error names the field. Fields of which none holds stand in a list with their reason.
import { describe, expect, it } from "vitest";
import { deploymentFields } from "../../../test/support/deployment-fields.ts";
import { EMIT_OPTIONS } from "../../../test/support/emitted.ts";
import { samplePool, splitDeployment } from "../../../test/support/sample-deployment.ts";
import type { Deployment, Pool } from "../deployment/deployment.ts";
import { emitDeployment } from "./emit.ts";
import { EMIT_TARGETS, type EmitOptions, type EmitTarget } from "./emit-types.ts";

const OPTIONS: EmitOptions = { ...EMIT_OPTIONS, checkpoint: { weights: "f8e4m3" }, speculation: "mtp" };

const speculation = { draftTokens: 1, acceptance: 0.7, draftCost: 0.1 };
const offload = { bytes: 8e9, bandwidthBytesPerSecond: 1e9 };
const lora: NonNullable<Pool["lora"]> = {
  ...{ maxLoras: 4, maxRank: 16, cpuLoras: 8, modules: ["q", "v"], format: "bf16", fullySharded: false, overlapLoading: false },
  ...{ hostBytesPerSecond: 2e10, diskBytesPerSecond: 1e9 },
};
const scaling = { least: 1, initial: 1, everyNs: 1e9, orderAbove: 4, drainBelow: 1 };
const ffn = { device: "l40s", parallel: { tensor: 1, expert: 8 }, microBatches: 3, link: { bandwidthBytesPerSecond: 1e10, latencyNs: 0 } };
const encoder = { parallel: "weights" } as const;
const outages = { meanUpNs: 1e13, repairNs: 1e9, resubmitNs: 0 };

/** The field's pool as it is given and as it is changed to. */
type Change = readonly [given: Partial<Pool>, changed: Partial<Pool>];
const parallel = samplePool().parallel;
const { engine, precision } = samplePool();
const RANKS = { ...parallel, tensor: 1, data: 8 };
const balanced = (timeoutIters: number, batchingWaitIters: number): Partial<Pool> => ({
  parallel: RANKS,
  engine: { ...engine, attentionDpBalance: { timeoutIters, batchingWaitIters } },
});

const POOL_FIELDS: Readonly<Record<string, Change>> = {
  name: [{}, { name: "other" }],
  replicas: [{}, { replicas: 3 }],
  "parallel.tensor": [{}, { parallel: { ...parallel, tensor: 4 } }],
  "parallel.pipeline": [{ parallel: { ...parallel, tensor: 4 } }, { parallel: { ...parallel, tensor: 4, pipeline: 2 } }],
  "parallel.data": [{ parallel: { ...parallel, tensor: 1 } }, { parallel: { ...parallel, tensor: 1, data: 8 } }],
  "parallel.expert": [{}, { parallel: { ...parallel, expert: 8 } }],
  "parallel.context": [{ parallel: { ...parallel, tensor: 4 } }, { parallel: { ...parallel, tensor: 4, context: 2 } }],
  "precision.weights": [{}, { precision: { ...precision, weights: "bf16" } }],
  "precision.experts": [{}, { precision: { ...precision, experts: "f4e2m1" } }],
  "precision.kv": [{}, { precision: { ...precision, kv: "f8e4m3" } }],
  "engine.name": [{}, { engine: { ...engine, name: "heddle" } }],
  "engine.maxBatchedTokens": [{}, { engine: { ...engine, maxBatchedTokens: 4096 } }],
  "engine.maxSequences": [{}, { engine: { ...engine, maxSequences: 128 } }],
  "engine.blockTokens": [{}, { engine: { ...engine, blockTokens: 32 } }],
  "engine.kvBlocks": [{}, { engine: { ...engine, kvBlocks: 3000 } }],
  "engine.memoryFraction": [{}, { engine: { ...engine, memoryFraction: 0.8 } }],
  "engine.maxModelTokens": [{}, { engine: { ...engine, maxModelTokens: 16384 } }],
  "engine.prefixCaching": [{}, { engine: { ...engine, prefixCaching: false } }],
  "engine.chunkedPrefill": [{}, { engine: { ...engine, chunkedPrefill: false } }],
  "engine.overheadNs": [{}, { engine: { ...engine, overheadNs: 1e6 } }],
  "engine.schedulerRecvInterval": [{}, { engine: { ...engine, schedulerRecvInterval: 10 } }],
  "engine.batchWaitTimeoutIters": [{}, { engine: { ...engine, batchWaitTimeoutIters: 20 } }],
  "engine.batchWaitMaxTokensRatio": [{}, { engine: { ...engine, batchWaitMaxTokensRatio: 0.9 } }],
  "engine.attentionDpBalance.timeoutIters": [{ parallel: RANKS }, balanced(60, 10)],
  "engine.attentionDpBalance.batchingWaitIters": [{ parallel: RANKS }, balanced(50, 0)],
  "speculation.draftTokens": [{ speculation }, { speculation: { ...speculation, draftTokens: 2 } }],
  "speculation.acceptance": [{ speculation }, { speculation: { ...speculation, acceptance: 0.8 } }],
  "speculation.draftCost": [{ speculation }, { speculation: { ...speculation, draftCost: 0.2 } }],
  "lora.maxLoras": [{ lora }, { lora: { ...lora, maxLoras: 2 } }],
  "lora.maxRank": [{ lora }, { lora: { ...lora, maxRank: 64 } }],
  "lora.cpuLoras": [{ lora }, { lora: { ...lora, cpuLoras: 9 } }],
  "lora.modules": [{ lora }, { lora: { ...lora, modules: ["q", "k", "v"] } }],
  "lora.format": [{ lora }, { lora: { ...lora, format: "f16" } }],
  "lora.fullySharded": [{ lora }, { lora: { ...lora, fullySharded: true } }],
  "lora.overlapLoading": [{ lora }, { lora: { ...lora, overlapLoading: true } }],
  "lora.hostBytesPerSecond": [{ lora }, { lora: { ...lora, hostBytesPerSecond: 1e10 } }],
  "lora.diskBytesPerSecond": [{ lora }, { lora: { ...lora, diskBytesPerSecond: 2e9 } }],
  "offload.bytes": [{ offload }, { offload: { ...offload, bytes: 16e9 } }],
  "offload.bandwidthBytesPerSecond": [{ offload }, { offload: { ...offload, bandwidthBytesPerSecond: 2e9 } }],
  startUpNs: [{ outages }, { outages, startUpNs: 1e9 }],
  "scaling.least": [{}, { scaling: { ...scaling, least: 2 } }],
  "scaling.initial": [{}, { scaling: { ...scaling, initial: 2 } }],
  "scaling.everyNs": [{}, { scaling: { ...scaling, everyNs: 2e9 } }],
  "scaling.orderAbove": [{}, { scaling: { ...scaling, orderAbove: 5 } }],
  "scaling.drainBelow": [{}, { scaling: { ...scaling, drainBelow: 2 } }],
  "outages.meanUpNs": [{}, { outages }],
  "outages.repairNs": [{}, { outages }],
  "outages.resubmitNs": [{}, { outages }],
  "encoder.parallel": [{ encoder }, { encoder: { parallel: "data" } }],
  "encoder.batchTokens": [{ encoder }, { encoder: { ...encoder, batchTokens: 20_000 } }],
  "encoder.cacheTokens": [{ encoder }, { encoder: { ...encoder, cacheTokens: 20_000 } }],
  role: [{}, { role: "ffn" }],
  "ffn.device": [{}, { ffn }],
  "ffn.parallel.tensor": [{}, { ffn }],
  "ffn.parallel.expert": [{}, { ffn }],
  "ffn.microBatches": [{}, { ffn }],
  "ffn.link.bandwidthBytesPerSecond": [{}, { ffn }],
  "ffn.link.latencyNs": [{}, { ffn }],
};

/** Fields that no argument sets, with the reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  version: "of the file's form",
  fabric: "the network that machines hang on is for who launches a command",
  "pools.device": "which machines a command runs on is for who launches it",
};

/** Where a target's error names what the field belongs to. */
const NAMED: Readonly<Record<string, string>> = { "trtllm replicas": "deployment routing", "llm-d role": "deployment pools" };
/** A chart of llm-d has one pool a role and no place for its name. */
const UNNAMED: readonly string[] = ["llm-d name"];

const own = (target: EmitTarget): "vllm" | "sglang" | "trtllm" => (target === "sglang" || target === "trtllm" ? target : "vllm");

/** Everything that is written, and the fields that notes and errors name. */
function written(target: EmitTarget, deployment: Deployment): { readonly text: string; readonly names: string } {
  const result = emitDeployment(target, deployment, OPTIONS);
  if (!result.ok) return { text: "", names: result.error.map(({ field, where }) => `${where} ${field}`).join("\n") };
  return { text: JSON.stringify(result.value.files), names: result.value.notes.join("\n") };
}

function withPool(target: EmitTarget, changes: Partial<Pool>): Deployment {
  const pool = samplePool({ replicas: target === "trtllm" && changes.replicas === undefined ? 1 : 2, ...changes });
  const named = pool.engine.name === "heddle" ? pool : { ...pool, engine: { ...pool.engine, name: own(target) } };
  return { version: 1, model: "m", routing: target === "llm-d" || target === "dynamo" ? "prefix-aware" : "least-loaded", pools: [named] };
}

describe("fields of a deployment", () => {
  it("are all here", () => {
    const deploymentWide = ["model", "routing", "kvTransfer.bandwidthBytesPerSecond", "kvTransfer.latencyNs", "kvTransfer.layerwise"];
    const all = [...Object.keys(POOL_FIELDS).map((field) => `pools.${field}`), ...deploymentWide, ...Object.keys(EXCEPTIONS)];
    expect(all.sort()).toEqual(deploymentFields().sort());
  });

  for (const target of EMIT_TARGETS) {
    it.each(Object.entries(POOL_FIELDS))(`are written for ${target}, or named: %s of a pool`, (field, [given, changed]) => {
      const refused = target === "trtllm" && /^(lora|encoder)\./.test(field);
      const before = written(target, withPool(target, refused ? {} : given));
      const after = written(target, withPool(target, changed));
      expect(before.text).not.toBe("");
      const key = `${target} ${field}`;
      if (UNNAMED.includes(key)) return expect(after).toEqual(before);
      if (refused) return expect(after.names).toContain(field.split(".")[0]);
      if (after.text !== before.text && after.text !== "") return;
      const part = field.split(".")[0]!;
      const whole = /^engine\.attentionDpBalance/.exec(field)?.[0] ?? field;
      const named = NAMED[key] ?? (["parallel", "scaling", "outages", "ffn"].includes(part) ? part : whole);
      expect(after.names).toContain(named);
    });

    it(`are written for ${target}, or named: those of the fleet`, () => {
      const split: Deployment = { ...splitDeployment(own(target)), routing: target === "llm-d" ? "prefix-aware" : "round-robin" };
      const text = written(target, split);
      const { kvTransfer } = split;
      expect(text.names).toContain("kvTransfer.bandwidthBytesPerSecond");
      expect(text.names).toContain("kvTransfer.latencyNs");
      expect(written(target, { ...split, kvTransfer: { ...kvTransfer!, layerwise: true } }).names).toContain("kvTransfer.layerwise");
      const other = written(target, { ...split, routing: "random" });
      expect(other.text !== text.text || other.names.includes("routing")).toBe(true);
      expect(written(target, { ...split, model: "another" }).text).not.toBe(text.text);
    });
  }
});
