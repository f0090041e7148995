import type { PolicyParameters } from "./plan.ts";

/** Parameters of the online policies where neither user nor prediction says otherwise. */
export const DEFAULT_POLICY: PolicyParameters = {
  maxChunkTokens: 256,
  maxStepStretch: 2,
  queueLimit: 64,
  kvReuse: "strict",
  prefixCache: true,
  hostTimeoutNs: 10_000_000_000,
};

export const DEFAULT_MAX_SEQUENCES = 16;
/** Longest prompt + output by default; a model's own limit may be lower. */
export const DEFAULT_CONTEXT_LIMIT = 2048;
