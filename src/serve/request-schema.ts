import { z } from "zod";

/** Most alternatives reported with a token. */
const TOP_LOGPROBS_MAX = 20;
const STOPS_MAX = 16;
const STOP_LENGTH_MAX = 1_024;
const BIASES_MAX = 1_024;
const BIAS_MAX = 100;
const PENALTY_MAX = 2;
const PROMPTS_MAX = 32;
const MESSAGES_MAX = 4_096;
const NAME_MAX = 512;
const TOKEN_MAX = 2_147_483_647;

const tokenId = z.number().int().min(0).max(TOKEN_MAX);
const count = z.number().int().min(1).max(TOKEN_MAX);

/** Fields that both kinds of request share; unknown ones pass. */
const common = {
  model: z.string().min(1).max(NAME_MAX),
  stream: z.boolean().optional(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).optional(),
  max_tokens: count.optional(),
  temperature: z.number().min(0).max(PENALTY_MAX).optional(),
  top_p: z.number().gt(0).max(1).optional(),
  /** 0 and -1 keep all. */
  top_k: z.number().int().min(-1).max(TOKEN_MAX).optional(),
  min_p: z.number().min(0).max(1).optional(),
  repetition_penalty: z.number().gt(0).max(PENALTY_MAX).optional(),
  presence_penalty: z.number().min(-PENALTY_MAX).max(PENALTY_MAX).optional(),
  frequency_penalty: z.number().min(-PENALTY_MAX).max(PENALTY_MAX).optional(),
  logit_bias: z
    .record(z.string().regex(/^\d{1,9}$/, "names a token by its id"), z.number().min(-BIAS_MAX).max(BIAS_MAX))
    .refine((biases) => Object.keys(biases).length <= BIASES_MAX, `at most ${BIASES_MAX} biases`)
    .optional(),
  seed: z.number().int().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER).optional(),
  stop: z
    .union([z.string().max(STOP_LENGTH_MAX), z.array(z.string().max(STOP_LENGTH_MAX)).max(STOPS_MAX)], {
      error: `must be a string or at most ${STOPS_MAX} strings of at most ${STOP_LENGTH_MAX} characters`,
    })
    .optional(),
  ignore_eos: z.boolean().optional(),
  cache_salt: z.string().max(NAME_MAX).optional(),
  priority: z.number().int().min(-1_000).max(1_000).optional(),
};

const message = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant"]),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.literal("text"), text: z.string() })).min(1)], {
    error: "must be text, or a list of parts of type text",
  }),
});

export const chatSchema = z.looseObject({
  ...common,
  messages: z.array(message).min(1).max(MESSAGES_MAX),
  max_completion_tokens: count.optional(),
  logprobs: z.boolean().optional(),
  top_logprobs: z.number().int().min(0).max(TOP_LOGPROBS_MAX).optional(),
});

export const completionSchema = z.looseObject({
  ...common,
  prompt: z.union(
    [
      z.string(),
      z.array(z.string()).min(1).max(PROMPTS_MAX),
      z.array(tokenId).min(1),
      z.array(z.array(tokenId).min(1)).min(1).max(PROMPTS_MAX),
    ],
    { error: `must be a string, a list of token ids, or a list of at most ${PROMPTS_MAX} of them` },
  ),
  logprobs: z.number().int().min(0).max(TOP_LOGPROBS_MAX).optional(),
});

export type ChatBody = z.infer<typeof chatSchema>;
export type CompletionBody = z.infer<typeof completionSchema>;
export type CommonBody = Pick<ChatBody, keyof typeof common>;
