import { type ByteSource, bytesOf } from "../../base/bytes.ts";
import { fingerprintOf } from "../decoder/fingerprint.ts";
import type { DecoderModel, TokenizerSource } from "../decoder/model.ts";
import { ropeSpec } from "../decoder/rope.ts";
import { checkTensors, type DecoderShape } from "../decoder/tensor-shapes.ts";
import { invalid, parseHfConfig } from "./hf-config.ts";
import { hfRope } from "./hf-rope.ts";
import { type HfTokenizerTexts, hfTokenizer } from "./hf-tokenizer.ts";
import { hfWeights } from "./hf-weights.ts";

/** The files of a Hugging Face model folder, already opened. */
export interface HfFolder {
  /** Name a client may use for the model; usually the folder's. */
  readonly name: string;
  /** Text of config.json. */
  readonly config: string;
  /** safetensors files by name. */
  readonly weights: ReadonlyMap<string, ByteSource>;
  readonly tokenizer: HfTokenizerTexts;
}

/**
 * The decoder a Hugging Face folder describes: families llama (2, 3, SmolLM2), mistral, qwen2 (2.5) and qwen3. The tokenizer is built when
 * first asked for.
 *
 * Errors: `model-config-invalid`, `model-unsupported`, `model-weights-missing`, `safetensors-invalid`, naming field or tensor.
 */
export function decoderFromHf(folder: HfFolder): DecoderModel {
  const config = parseHfConfig(folder.config);
  const weights = hfWeights(folder.weights, config.tie_word_embeddings === true);
  const rope = hfRope(config);
  const shape = shapeOf(config, { name: folder.name, contextLength: rope.contextLength });
  checkTensors(shape, weights.tensors);
  const spec = { ...shape, rope: ropeSpec({ theta: rope.theta, headDim: shape.headDim, interleaved: false }, rope.scaling) };
  let tokenizer: TokenizerSource | undefined;
  let fingerprint: string | undefined;
  return {
    spec,
    weights,
    get tokenizer() {
      tokenizer ??= hfTokenizer(folder.tokenizer, config);
      return tokenizer;
    },
    get fingerprint() {
      const text = new TextEncoder().encode(folder.config);
      const files = weights.files.map((file) => ({ ...file, tensors: file.tensors.values() }));
      fingerprint ??= fingerprintOf([{ bytes: bytesOf(text), headerBytes: text.byteLength, tensors: [] }, ...files]);
      return fingerprint;
    },
  };
}

function shapeOf(config: ReturnType<typeof parseHfConfig>, given: { name: string; contextLength: number }): DecoderShape {
  const heads = config.num_attention_heads;
  const kvHeads = config.num_key_value_heads ?? heads;
  const headDim = config.head_dim ?? config.hidden_size / heads;
  if (heads % kvHeads !== 0) throw invalid("num_key_value_heads", `${heads} heads over ${kvHeads} key-value heads`);
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) throw invalid("head_dim", `heads of ${headDim} elements`);
  return {
    family: config.family,
    name: given.name,
    layers: config.num_hidden_layers,
    width: config.hidden_size,
    heads,
    kvHeads,
    headDim,
    feedForward: config.intermediate_size,
    vocabulary: config.vocab_size,
    contextLength: given.contextLength,
    normEpsilon: config.rms_norm_eps,
    qkvBias: config.family === "qwen2",
    qkNorm: config.family === "qwen3",
    tiedHead: config.tie_word_embeddings === true,
  };
}
