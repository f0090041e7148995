import { z } from "zod";
import { computeFormat } from "../rack/rack-schema.ts";
import { finiteAmount, nameText, positive } from "../rack/schema-parts.ts";

const REPLICAS_MAX = 1024;
const STAGES_MAX = 1024;
const LAYERS_MAX = 65_536;
const PAGES_MAX = 2_147_483_648;
const SEQUENCES_MAX = 65_536;
const CONTEXT_MAX = 2_147_483_648;
const TEXT_MAX = 4_000;
const REASONS_MAX = 1_000;

const sentence = z.string().max(TEXT_MAX);
const layer = z.int().min(0).max(LAYERS_MAX);

/** `file`: as the model's file holds them. */
const stageFormat = z.enum([...computeFormat.options, "file"]);

const estimate = z.strictObject({
  valueNs: finiteAmount,
  lowNs: finiteAmount,
  highNs: finiteAmount,
  basis: z.enum(["measured", "interpolated", "extrapolated", "data-sheet"]),
  source: sentence,
});

const stage = z.strictObject({
  fromLayer: layer,
  toLayer: layer,
  device: nameText,
  driver: nameText,
  threads: z.int().min(1).max(4096),
  prefillFormat: stageFormat,
  decodeFormat: stageFormat,
  decodeStep: estimate,
  prefill512: estimate,
  why: sentence,
});

const replica = z.strictObject({
  id: z.int().min(0).max(REPLICAS_MAX),
  stages: z.array(stage).min(1).max(STAGES_MAX),
  workingPages: z.int().min(1).max(PAGES_MAX),
  sealedSlots: z.int().min(0).max(PAGES_MAX),
  pageBytes: z.int().min(1).max(PAGES_MAX),
  maxSequences: z.int().min(1).max(SEQUENCES_MAX),
  contextLimit: z.int().min(2).max(CONTEXT_MAX),
});

const policy = z.strictObject({
  maxChunkTokens: z.int().min(1).max(CONTEXT_MAX),
  maxStepStretch: z.number().min(1).max(1_000_000),
  queueLimit: z.int().min(0).max(1_000_000),
  kvReuse: z.enum(["strict", "any"]),
  prefixCache: z.boolean(),
  hostTimeoutNs: positive,
});

/** Form of a plan file, version 1; relations between its parts are checked by `checkPlan`. */
export const planSchema = z.strictObject({
  version: z.literal(1),
  model: z.strictObject({ name: nameText, fingerprint: nameText, path: z.string().min(1).max(TEXT_MAX) }),
  rackFingerprint: nameText,
  replicas: z.array(replica).min(1).max(REPLICAS_MAX),
  policy,
  predicted: z.strictObject({ ttft512: estimate, tpot: estimate, tokensPerSecond8: finiteAmount }),
  reasons: z.array(sentence).max(REASONS_MAX),
});
