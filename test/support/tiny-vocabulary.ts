/** Small vocabularies for test models: byte-level BPE with merges learnt from a paragraph, and SentencePiece with byte fallback. */
import { seededPrng } from "../../src/base/prng.ts";
import type { MetadataValue } from "./gguf-writer.ts";

const TEXT =
  "the rack runs a model and the model runs on the rack; a plan says where each stage goes and what it will cost. " +
  "one device is fast, another has more memory, and the link between them is neither. when a request comes, the engine takes a " +
  "batch, starts a task and waits for it to end. function add(left, right) { return left + right; } 1234567890 the answer is 42. ";

export const CHATML_TEMPLATE =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

const BPE_SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const SPM_SPECIALS = ["<unk>", "<s>", "</s>"];
/** Smallest vocabularies: the special tokens and one token a byte. */
export const MIN_VOCABULARY = 259;

/** GPT-2's printable stand-in for every byte. */
export function byteSymbols(): string[] {
  const printable = (byte: number): boolean => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_unused, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

interface BpeVocabulary {
  readonly tokens: readonly string[];
  readonly merges: readonly string[];
}

function bpeVocabulary(size: number): BpeVocabulary {
  const symbols = byteSymbols();
  const merges: string[] = [];
  const tokens = [...BPE_SPECIALS, ...symbols];
  const start = Array.from(new TextEncoder().encode(TEXT), (byte) => symbols[byte]!);
  growByMerges(tokens, size, { start, joins: (left, right) => !right.startsWith("Ġ") && left !== "" }, (left, right) =>
    merges.push(`${left} ${right}`),
  );
  return { tokens, merges };
}

/** Metadata of a byte-level BPE tokenizer of exactly `size` tokens; ends with token 2, `<|im_end|>`. */
export function bpeMetadata(size: number, pre: string): Record<string, MetadataValue> {
  const { tokens, merges } = bpeVocabulary(size);
  return {
    "tokenizer.ggml.model": { string: "gpt2" },
    "tokenizer.ggml.pre": { string: pre },
    "tokenizer.ggml.tokens": { strings: tokens },
    "tokenizer.ggml.token_type": { i32s: tokens.map((_token, id) => (id < BPE_SPECIALS.length ? 3 : 1)) },
    "tokenizer.ggml.merges": { strings: merges },
    "tokenizer.ggml.bos_token_id": { u32: 1 },
    "tokenizer.ggml.eos_token_id": { u32: 2 },
    "tokenizer.ggml.add_bos_token": { bool: false },
    "tokenizer.chat_template": { string: CHATML_TEMPLATE },
  };
}

/** The same vocabulary as tokenizer.json and tokenizer_config.json, with the pre-tokenizer of SmolLM2. */
export function bpeTokenizerJson(size: number): { tokenizer: Record<string, unknown>; config: Record<string, unknown> } {
  const { tokens, merges } = bpeVocabulary(size);
  const tokenizer = {
    version: "1.0",
    added_tokens: BPE_SPECIALS.map((content, id) => ({ id, content, special: true, normalized: false, lstrip: false, rstrip: false })),
    normalizer: null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Digits", individual_digits: true },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: "BPE", vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges },
  };
  const config = { bos_token: "<|im_start|>", eos_token: "<|im_end|>", add_bos_token: false, chat_template: CHATML_TEMPLATE };
  return { tokenizer, config };
}

/** Metadata of a SentencePiece tokenizer (`llama`) of exactly `size` tokens; begins with `<s>`, ends with `</s>`. */
export function spmMetadata(size: number): Record<string, MetadataValue> {
  const bytes = Array.from({ length: 256 }, (_unused, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  const start = Array.from(`▁${TEXT.replaceAll(" ", "▁")}`);
  const tokens = [...SPM_SPECIALS, ...bytes];
  const letters = [...new Set(start)].slice(0, Math.max(0, size - tokens.length));
  tokens.push(...letters);
  growByMerges(tokens, size, { start, joins: (_left, right) => !right.startsWith("▁") }, () => {});
  const scores = tokens.map((_token, id) => (id < MIN_VOCABULARY ? 0 : MIN_VOCABULARY - id));
  const types = tokens.map((_token, id) => (id === 0 ? 2 : id < SPM_SPECIALS.length ? 3 : id < MIN_VOCABULARY ? 6 : 1));
  return {
    "tokenizer.ggml.model": { string: "llama" },
    "tokenizer.ggml.pre": { string: "default" },
    "tokenizer.ggml.tokens": { strings: tokens },
    "tokenizer.ggml.scores": { f32s: scores },
    "tokenizer.ggml.token_type": { i32s: types },
    "tokenizer.ggml.bos_token_id": { u32: 1 },
    "tokenizer.ggml.eos_token_id": { u32: 2 },
    "tokenizer.ggml.unknown_token_id": { u32: 0 },
    "tokenizer.ggml.add_bos_token": { bool: true },
    "tokenizer.chat_template": { string: CHATML_TEMPLATE },
  };
}

interface MergeSource {
  readonly start: readonly string[];
  readonly joins: (left: string, right: string) => boolean;
}

/** Learns merges from the text by pair counts, then adds seeded pairs of tokens until the vocabulary has its size. */
function growByMerges(tokens: string[], size: number, source: MergeSource, onMerge: (left: string, right: string) => void): void {
  const known = new Set(tokens);
  let text = [...source.start];
  const add = (left: string, right: string): boolean => {
    if (known.has(left + right)) return false;
    known.add(left + right);
    tokens.push(left + right);
    onMerge(left, right);
    return true;
  };
  while (tokens.length < size) {
    const pair = mostFrequentPair(text, source.joins);
    if (pair === undefined) break;
    add(pair[0], pair[1]);
    text = mergePair(text, pair);
  }
  const prng = seededPrng(1);
  const letters = tokens.filter((token) => /^[Ġ▁]?[a-z]+$/.test(token));
  while (tokens.length < size) {
    const left = letters[prng.nextBelow(letters.length)]!;
    const right = letters[prng.nextBelow(letters.length)]!;
    if (source.joins(left, right) && add(left, right)) letters.push(left + right);
  }
}

function mostFrequentPair(text: readonly string[], joins: MergeSource["joins"]): readonly [string, string] | undefined {
  const counts = new Map<string, { pair: readonly [string, string]; count: number }>();
  for (let i = 0; i + 1 < text.length; i++) {
    const pair = [text[i]!, text[i + 1]!] as const;
    if (!joins(...pair)) continue;
    const key = pair.join("\0");
    const entry = counts.get(key) ?? { pair, count: 0 };
    entry.count++;
    counts.set(key, entry);
  }
  let best: { pair: readonly [string, string]; count: number } | undefined;
  for (const entry of counts.values()) if (entry.count >= 2 && entry.count > (best?.count ?? 0)) best = entry;
  return best?.pair;
}

function mergePair(text: readonly string[], [left, right]: readonly [string, string]): string[] {
  const merged: string[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === left && text[i + 1] === right) {
      merged.push(left + right);
      i++;
    } else merged.push(text[i]!);
  }
  return merged;
}
