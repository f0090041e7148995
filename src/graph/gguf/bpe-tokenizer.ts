import { HeddleError } from "../../base/heddle-error.ts";
import type { GgufFields } from "./gguf-fields.ts";
import { addedTokens, type Vocabulary, vocabularyMap } from "./vocabulary.ts";

const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const words = (digits: string): string =>
  `(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}` +
  "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const LLAMA3 = words("\\p{N}{1,3}");
const QWEN2 = words("\\p{N}");

interface PreTokenizer {
  /** Patterns whose matches are cut out one after another. */
  readonly splits: readonly string[];
  /** A piece that is a token as a whole stays one, whatever the merges say. */
  readonly ignoreMerges: boolean;
}

/** How a text is cut before merging, by the name GGUF files give it. Source: llama-vocab.cpp of llama.cpp. */
const PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizer> = new Map([
  ["smollm", { splits: ["\\p{N}", GPT2], ignoreMerges: false }],
  ["gpt-2", { splits: [GPT2], ignoreMerges: false }],
  ["default", { splits: ["[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"], ignoreMerges: false }],
  ["llama-bpe", { splits: [LLAMA3], ignoreMerges: true }],
  ["llama3", { splits: [LLAMA3], ignoreMerges: true }],
  ["llama-v3", { splits: [LLAMA3], ignoreMerges: true }],
  ["qwen2", { splits: [QWEN2], ignoreMerges: false }],
  ["deepseek-r1-qwen", { splits: [QWEN2], ignoreMerges: false }],
]);

/** A tokenizer.json object for byte-level BPE. Errors: `tokenizer-unsupported`, `gguf-invalid`. */
export function bpeTokenizer(fields: GgufFields, vocabulary: Vocabulary): unknown {
  const name = fields.string("tokenizer.ggml.pre") ?? "default";
  const pre = PRE_TOKENIZERS.get(name);
  if (pre === undefined) throw new HeddleError("tokenizer-unsupported", { where: "tokenizer.ggml.pre", detail: name });
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };
  const splits = pre.splits.map((regex) => ({ type: "Split", pattern: { Regex: regex }, behavior: "Isolated", invert: false }));
  return {
    version: "1.0",
    added_tokens: addedTokens(vocabulary),
    normalizer: null,
    pre_tokenizer: { type: "Sequence", pretokenizers: [...splits, byteLevel] },
    post_processor: null,
    decoder: byteLevel,
    model: { type: "BPE", vocab: vocabularyMap(vocabulary.tokens), merges: mergesOf(fields), ignore_merges: pre.ignoreMerges },
  };
}

function mergesOf(fields: GgufFields): (readonly [string, string])[] {
  const merges = fields.strings("tokenizer.ggml.merges");
  if (merges === undefined) throw new HeddleError("gguf-invalid", { where: "tokenizer.ggml.merges", detail: "it is missing" });
  return merges.map((merge, i) => {
    // A part may itself begin with a space, so the first character never separates.
    const space = merge.indexOf(" ", 1);
    if (space === -1) throw new HeddleError("gguf-invalid", { where: `tokenizer.ggml.merges[${i}]`, detail: "it holds no pair" });
    return [merge.slice(0, space), merge.slice(space + 1)];
  });
}
