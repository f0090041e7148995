import { z } from "zod";
import { type FigureUnit, figureQuantity, numberOrText } from "../../rack/catalog/figure-text.ts";
import { peakType } from "../../rack/rack-schema.ts";
import { nameText, positive } from "../../rack/schema-parts.ts";
import { LATENT_MODULES, LORA_MODULES } from "./lora.ts";

/** Largest counts that are plausible: devices of a replica along one axis, replicas of a pool, pools. */
const RANKS_MAX = 65_536;
const REPLICAS_MAX = 100_000;
const POOLS_MAX = 64;
const TOKENS_MAX = 100_000_000;
const NS_MAX = 8.64e15;
/** Parts that a batch is cut into: beyond a few, products only shrink. */
const MICRO_BATCHES_MAX = 64;
/** Iterations for which prompts can be held back: at 1 ms an iteration, above a quarter of an hour. */
const HOLD_MAX = 1_000_000;
/** Adapters of a replica, and their rank. */
const LORAS_MAX = 100_000;
const RANK_MAX = 4096;
/** Least times: a look at the load every 10 ms; a replica that fails more often than once a minute may never end a long prompt. Units: ns. */
const EVERY_NS_MIN = 1e7;
const UP_NS_MIN = 6e10;

/** A number, or text with its unit as people write it (`25 GB/s`, `90 s`, `400 GB`). */
const written = <T extends z.ZodType<number>>(unit: FigureUnit, number: T) =>
  z.preprocess((given) => (typeof given === "string" ? (figureQuantity(given, unit) ?? given) : given), number);
const amount = (unit: "bytes" | "bytes/s") =>
  written(
    unit,
    z
      .number({ error: `must be ${numberOrText(unit)}` })
      .gt(0)
      .max(Number.MAX_SAFE_INTEGER),
  );
const nanoseconds = (least: number) =>
  written(
    "ns",
    z
      .int({ error: `must be ${numberOrText("ns")}` })
      .min(least)
      .max(NS_MAX),
  );

const count = (most: number) => z.int().min(1).max(most);
const whole = nanoseconds(0);

const parallel = z.strictObject({
  tensor: z.exactOptional(count(RANKS_MAX)),
  pipeline: z.exactOptional(count(RANKS_MAX)),
  data: z.exactOptional(count(RANKS_MAX)),
  expert: z.exactOptional(count(RANKS_MAX)),
  context: z.exactOptional(count(RANKS_MAX)),
});

const precision = z.strictObject({
  weights: z.exactOptional(peakType),
  experts: z.exactOptional(peakType),
  kv: z.exactOptional(peakType),
});

const engine = z.strictObject({
  name: z.exactOptional(z.enum(["vllm", "sglang", "trtllm", "heddle"])),
  maxBatchedTokens: z.exactOptional(count(TOKENS_MAX)),
  maxSequences: z.exactOptional(count(TOKENS_MAX)),
  blockTokens: z.exactOptional(count(65_536)),
  kvBlocks: z.exactOptional(count(Number.MAX_SAFE_INTEGER)),
  memoryFraction: z.exactOptional(z.number().gt(0).max(1)),
  maxModelTokens: z.exactOptional(count(TOKENS_MAX)),
  prefixCaching: z.exactOptional(z.boolean()),
  chunkedPrefill: z.exactOptional(z.boolean()),
  overheadNs: z.exactOptional(whole),
  schedulerRecvInterval: z.exactOptional(count(HOLD_MAX)),
  batchWaitTimeoutIters: z.exactOptional(count(HOLD_MAX)),
  batchWaitMaxTokensRatio: z.exactOptional(z.number().gt(0).max(1)),
  attentionDpBalance: z.exactOptional(
    z.strictObject({
      timeoutIters: z.exactOptional(count(HOLD_MAX)),
      batchingWaitIters: z.exactOptional(z.int().min(0).max(HOLD_MAX)),
    }),
  ),
});

const speculation = z.strictObject({
  draftTokens: count(64),
  acceptance: z.number().min(0).max(1),
  draftCost: z.number().min(0).max(100),
});

const lora = z.strictObject({
  maxLoras: z.exactOptional(count(LORAS_MAX)),
  maxRank: z.exactOptional(count(RANK_MAX)),
  cpuLoras: z.exactOptional(count(LORAS_MAX)),
  modules: z.exactOptional(
    z
      .array(z.enum([...LORA_MODULES, ...LATENT_MODULES]))
      .min(1)
      .max(LORA_MODULES.length + LATENT_MODULES.length),
  ),
  format: z.exactOptional(z.enum(["bf16", "f16", "f32"])),
  fullySharded: z.exactOptional(z.boolean()),
  overlapLoading: z.exactOptional(z.boolean()),
  hostBytesPerSecond: z.exactOptional(amount("bytes/s")),
  diskBytesPerSecond: z.exactOptional(amount("bytes/s")),
});

const scaling = z.strictObject({
  least: count(REPLICAS_MAX),
  initial: z.exactOptional(count(REPLICAS_MAX)),
  everyNs: z.exactOptional(nanoseconds(EVERY_NS_MIN)),
  orderAbove: positive,
  drainBelow: z.number().min(0),
});

const outages = z.strictObject({
  meanUpNs: nanoseconds(UP_NS_MIN),
  repairNs: whole,
  resubmitNs: z.exactOptional(whole),
});

const ffn = z.strictObject({
  device: nameText,
  parallel: z.exactOptional(z.strictObject({ tensor: z.exactOptional(count(RANKS_MAX)), expert: z.exactOptional(count(RANKS_MAX)) })),
  microBatches: z.exactOptional(count(MICRO_BATCHES_MAX)),
  link: z.exactOptional(z.strictObject({ bandwidthBytesPerSecond: amount("bytes/s"), latencyNs: whole })),
});

const encoder = z.strictObject({
  parallel: z.exactOptional(z.enum(["weights", "data"])),
  batchTokens: z.exactOptional(count(TOKENS_MAX)),
  cacheTokens: z.exactOptional(count(TOKENS_MAX)),
});

const pool = z.strictObject({
  name: z.exactOptional(nameText),
  role: z.exactOptional(z.enum(["both", "prefill", "decode", "encode", "attention", "ffn"])),
  device: nameText,
  replicas: z.exactOptional(count(REPLICAS_MAX)),
  parallel: z.exactOptional(parallel),
  precision: z.exactOptional(precision),
  engine: z.exactOptional(engine),
  speculation: z.exactOptional(speculation),
  lora: z.exactOptional(lora),
  offload: z.exactOptional(z.strictObject({ bytes: amount("bytes"), bandwidthBytesPerSecond: amount("bytes/s") })),
  startUpNs: z.exactOptional(whole),
  scaling: z.exactOptional(scaling),
  outages: z.exactOptional(outages),
  ffn: z.exactOptional(ffn),
  encoder: z.exactOptional(encoder),
});

/** Form of a deployment file, version 1 where it says none: all but the model, the pools and their devices may be left out. */
export const deploymentSchema = z.strictObject({
  version: z.exactOptional(z.literal(1)),
  model: nameText,
  pools: z.array(pool).min(1).max(POOLS_MAX),
  routing: z.exactOptional(z.enum(["round-robin", "random", "least-loaded", "prefix-aware", "adapter-affinity", "priced"])),
  fabric: z.exactOptional(nameText),
  kvTransfer: z.exactOptional(
    z.strictObject({
      bandwidthBytesPerSecond: z.exactOptional(amount("bytes/s")),
      latencyNs: whole,
      layerwise: z.exactOptional(z.boolean()),
    }),
  ),
});

export type DeploymentFile = z.infer<typeof deploymentSchema>;
export type PoolFile = DeploymentFile["pools"][number];
