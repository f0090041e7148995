import type { Deployment, Pool } from "../../src/plan/deployment/deployment.ts";

/** A pool of the engine named, over which tests lay what they are about. */
export function samplePool(changes: Partial<Pool> = {}): Pool {
  return {
    name: "main",
    role: "both",
    device: "h200-sxm",
    replicas: 2,
    parallel: { tensor: 8, pipeline: 1, data: 1, expert: 1, context: 1 },
    precision: { weights: "f8e4m3", kv: "bf16" },
    engine: {
      name: "vllm",
      maxBatchedTokens: 8192,
      maxSequences: 256,
      blockTokens: 64,
      kvBlocks: 4000,
      memoryFraction: 0.9,
      maxModelTokens: 32768,
      prefixCaching: true,
      chunkedPrefill: true,
      overheadNs: 0,
    },
    ...changes,
  };
}

export function sampleDeployment(changes: Partial<Deployment> = {}): Deployment {
  return { version: 1, model: "deepseek-ai/DeepSeek-V3", pools: [samplePool()], routing: "least-loaded", ...changes };
}

/** Prefill and decode apart. */
export function splitDeployment(engine: Pool["engine"]["name"]): Deployment {
  const own = { ...samplePool().engine, name: engine };
  return sampleDeployment({
    pools: [
      samplePool({ name: "prefill", role: "prefill", engine: own }),
      samplePool({
        name: "decode",
        role: "decode",
        replicas: 3,
        engine: own,
        parallel: { tensor: 1, pipeline: 1, data: 8, expert: 8, context: 1 },
      }),
    ],
    kvTransfer: { bandwidthBytesPerSecond: 5e10, latencyNs: 20_000, layerwise: false },
  });
}
