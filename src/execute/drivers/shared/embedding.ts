import { HeddleError } from "../../../base/heddle-error.ts";
import { dequantise } from "../../../graph/decoder/dequantise.ts";
import type { WeightTensor } from "../../../graph/decoder/weights.ts";

/** Rows of the embedding for the given tokens, [T, width]. Looked up here because half of a small model would otherwise be this table in f32. */
export function embedTokens(embedding: WeightTensor, tokens: Int32Array): Float32Array {
  const [rows = 0, width = 0] = embedding.shape;
  const out = new Float32Array(tokens.length * width);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] ?? -1;
    if (token < 0 || token >= rows) throw new HeddleError("device-failed", { detail: `token ${token} is not in a vocabulary of ${rows}` });
    out.set(dequantise(embedding, token, token + 1), i * width);
  }
  return out;
}
