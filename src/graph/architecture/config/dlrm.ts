import { z } from "zod";
import type { Recommender } from "../recommender.ts";
import { commonFields, invalidField, quantisationNotes, readFields, size, typeOf } from "./fields.ts";

/** Rows of one table at most: 2^40. */
const ROWS_MAX = 1_099_511_627_776;
const perceptron = z.array(size).min(2).max(64);

const fields = z.object({
  ...commonFields,
  arch_sparse_feature_size: size,
  arch_embedding_size: z.array(z.int().min(1).max(ROWS_MAX)).min(1).max(100_000),
  arch_mlp_bot: perceptron,
  arch_mlp_top: perceptron,
  arch_interaction_op: z.literal("dot").default("dot"),
  num_indices_per_lookup: z.union([size, z.array(size)]).default(1),
});

/**
 * DLRM; no hub format describes one, so the fields are the arguments of facebookresearch/dlrm as lists, `arch_mlp_top` without its first
 * size, which follows from the pairs.
 */
export function dlrm(raw: unknown): Recommender {
  const config = readFields(fields, raw);
  const { arch_sparse_feature_size: width, arch_embedding_size: rows, arch_mlp_bot: bottom, num_indices_per_lookup: lookups } = config;
  if (bottom.at(-1) !== width) throw invalidField("arch_mlp_bot", `it ends with ${bottom.at(-1)}, embeddings have ${width} elements`);
  if (Array.isArray(lookups) && lookups.length !== rows.length) {
    throw invalidField("num_indices_per_lookup", `${lookups.length} entries for ${rows.length} tables`);
  }
  const features = rows.length + 1;
  return {
    kind: "recommender",
    family: config.model_type,
    width,
    tables: rows.map((count, index) => ({ rows: count, lookups: (Array.isArray(lookups) ? lookups[index] : lookups) ?? 1 })),
    bottom,
    top: [width + (features * (features - 1)) / 2, ...config.arch_mlp_top],
    type: typeOf(config),
    notes: quantisationNotes(config),
  };
}
