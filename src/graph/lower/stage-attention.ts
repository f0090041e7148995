import { must } from "../../base/assert.ts";
import type { DecoderSpec } from "../decoder/spec.ts";
import { bytesOfArray, type OnnxBuilder, type Value } from "../onnx/builder.ts";
import type { Attending, AttentionInputs, AttentionOutputs, HeadNorms, Phase } from "./attention.ts";
import { decodeAttention, decodeInputs } from "./decode-attention.ts";
import { type GraphDialect, tokensFirst } from "./dialect.ts";
import { maskedAttention, maskedInputs } from "./masked-attention.ts";
import { prefillAttention, prefillInputs } from "./prefill-attention.ts";
import { wholeAttention } from "./whole-attention.ts";

/** Cosine and sine of every position and pair, the attention factor included; [positions, headDim / 2] each. The caller makes them, with its platform's functions. */
export interface RotationTables {
  readonly positions: number;
  readonly cosines: Float32Array;
  readonly sines: Float32Array;
}

/** Queries, keys and values of a layer, [rows, (H + 2·KV)·D], and what is left to do to the heads. */
export interface LayerHeads {
  readonly qkv: Value;
  readonly norms: HeadNorms | undefined;
}

/** Attention of all layers of one graph over the past that its phase has. */
export interface StageAttention {
  /** Attention of the next layer, [rows, H·D]. */
  attend(layer: number, heads: LayerHeads): Value;
  /** New keys and values so far: keys of the first layer, its values, keys of the second …; of decoded tokens, and of a prompt's. */
  readonly decoded: readonly Value[];
  readonly prompt: readonly Value[];
}

/** Either kind of attention; `undefined` in graphs of the other phase. */
type Kind = (layer: number, heads: LayerHeads) => AttentionOutputs;

/**
 * Declares the inputs of the graph's phase: pages of all decoding rows `k.<l>`, `v.<l>`, [N, KV, 1, T, D]; the past of a prompt `prompt.k.<l>`,
 * `prompt.v.<l>`, [1, KV, P, D], or [1, P, KV·D] with tokens first. A mixed graph has both, and `row_split`: how many rows decode, and how many are the prompt's.
 */
export function stageAttention(
  builder: OnnxBuilder,
  spec: DecoderSpec,
  options: { readonly phase: Phase; readonly pageTokens: number; readonly rotations: RotationTables; readonly dialect?: GraphDialect },
): StageAttention {
  const { cosines, sines, positions } = options.rotations;
  const dims = [positions, spec.headDim / 2];
  const attending: Attending = {
    builder,
    spec,
    cosines: builder.weight("cosines", "float32", dims, bytesOfArray(cosines)),
    sines: builder.weight("sines", "float32", dims, bytesOfArray(sines)),
  };
  const decode = options.phase === "prefill" ? undefined : decodeKind(attending, options.pageTokens);
  const prefill = options.phase === "decode" ? undefined : prefillKind(attending, options.dialect);
  const split = options.phase === "mixed" ? builder.input("row_split", "int64", [2]) : undefined;
  const decoded: Value[] = [];
  const prompt: Value[] = [];
  const done = (kept: Value[], { mixed, newKeys, newValues }: AttentionOutputs): Value => {
    kept.push(newKeys, newValues);
    return mixed;
  };
  const attend = (layer: number, heads: LayerHeads): Value => {
    if (split === undefined) {
      return prefill === undefined ? done(decoded, must(decode, "a phase")(layer, heads)) : done(prompt, prefill(layer, heads));
    }
    const [rows = "", tokens = ""] = builder.nodeOutputs("Split", [heads.qkv, split], { attributes: { axis: 0 }, outputs: 2 });
    const ofRows = done(decoded, must(decode, "mixed graphs decode")(layer, { ...heads, qkv: rows }));
    const ofPrompt = done(prompt, must(prefill, "mixed graphs prefill")(layer, { ...heads, qkv: tokens }));
    return builder.node("Concat", [ofRows, ofPrompt], { attributes: { axis: 0 } });
  };
  return { attend, decoded, prompt };
}

function decodeKind(attending: Attending, pageTokens: number): Kind {
  const { builder, spec } = attending;
  const shared = decodeInputs(builder, pageTokens);
  const dims = ["N", spec.kvHeads, 1, pageTokens, spec.headDim];
  return (layer, heads) => {
    const pastKeys = builder.input(`k.${layer}`, "float32", dims);
    const pastValues = builder.input(`v.${layer}`, "float32", dims);
    return decodeAttention(attending, shared, { ...heads, pastKeys, pastValues });
  };
}

function prefillKind(attending: Attending, dialect: GraphDialect = "onnxruntime"): Kind {
  const attention = promptAttention(attending, dialect);
  return (layer, heads) => attention(heads, { keys: `prompt.k.${layer}`, values: `prompt.v.${layer}` });
}

/** Attention of a layer over the past that is declared under these names. */
export type PromptAttention = (heads: LayerHeads, past: { readonly keys: string; readonly values: string }) => AttentionOutputs;

/** Attention of a prompt's chunk in the form a runtime is fast at; declares the inputs that all layers share. */
export function promptAttention(attending: Attending, dialect: GraphDialect): PromptAttention {
  const { builder, spec } = attending;
  const { kvHeads, headDim } = spec;
  const dims = tokensFirst(dialect) ? [1, "P", kvHeads * headDim] : [1, kvHeads, "P", headDim];
  const past = (name: string): Value => builder.input(name, "float32", dims);
  const form = promptForm(attending, dialect);
  return (heads, { keys, values }) => form({ ...heads, pastKeys: past(keys), pastValues: past(values) });
}

function promptForm(attending: Attending, dialect: GraphDialect): (inputs: AttentionInputs) => AttentionOutputs {
  if (dialect === "onnxruntime") {
    const shared = prefillInputs(attending.builder);
    return (inputs) => prefillAttention(attending, shared, inputs);
  }
  const shared = maskedInputs(attending.builder);
  const masked = dialect === "openvino" ? maskedAttention : wholeAttention;
  return (inputs) => masked(attending, shared, inputs);
}
