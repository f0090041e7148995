import { HeddleError } from "../../base/heddle-error.ts";
import type { GgufFields } from "./gguf-fields.ts";

/** Kinds of tokens. Source: `llama_token_type` of llama.h. */
export const TOKEN_KIND = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** Texts that end a turn whatever the file calls them. Source: the list llama.cpp applies to every vocabulary it loads. */
const TURN_ENDS: ReadonlySet<string> = new Set([
  "<|eot_id|>",
  "<|im_end|>",
  "<|end|>",
  "<|return|>",
  "<|call|>",
  "<end_of_turn>",
  "<|endoftext|>",
  "<|eom_id|>",
  "<EOT>",
  "<|end_of_text|>",
  "<end_of_utterance>",
]);

export interface Vocabulary {
  readonly tokens: readonly string[];
  /** Values of {@link TOKEN_KIND}, one a token. */
  readonly kinds: ArrayLike<number>;
  /** Ids of tokens whose text ends a turn. */
  readonly turnEnds: readonly number[];
}

/** An entry of `added_tokens` of a tokenizer.json. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  readonly normalized: false;
  readonly single_word: false;
  readonly lstrip: false;
  readonly rstrip: false;
}

export function readVocabulary(fields: GgufFields): Vocabulary {
  const tokens = fields.strings("tokenizer.ggml.tokens");
  if (tokens === undefined || tokens.length === 0) {
    throw new HeddleError("gguf-invalid", { where: "tokenizer.ggml.tokens", detail: "there are no tokens" });
  }
  const kinds = Uint8Array.from(fields.numbers("tokenizer.ggml.token_type") ?? tokens.map(() => TOKEN_KIND.normal));
  if (kinds.length !== tokens.length) {
    throw new HeddleError("gguf-invalid", {
      where: "tokenizer.ggml.token_type",
      detail: `${kinds.length} kinds for ${tokens.length} tokens`,
    });
  }
  const turnEnds: number[] = [];
  for (const [id, token] of tokens.entries()) {
    if (!TURN_ENDS.has(token)) continue;
    turnEnds.push(id);
    // Converters forget to mark some of them; user text must not be able to end a turn.
    kinds[id] = TOKEN_KIND.control;
  }
  return { tokens, kinds, turnEnds };
}

/** Tokens found in a text before it is split: control tokens where special tokens are parsed, user-defined ones always. */
export function addedTokens({ tokens, kinds }: Vocabulary): AddedToken[] {
  const added: AddedToken[] = [];
  for (const [id, content] of tokens.entries()) {
    const kind = kinds[id];
    const special = kind === TOKEN_KIND.control || kind === TOKEN_KIND.unknown;
    if (content === "" || !(special || kind === TOKEN_KIND.userDefined)) continue;
    added.push({ id, content, special, normalized: false, single_word: false, lstrip: false, rstrip: false });
  }
  return added;
}

/** Token texts to ids, without a prototype: a token may be called `__proto__`. */
export function vocabularyMap(tokens: readonly string[]): Record<string, number> {
  const map = Object.create(null) as Record<string, number>;
  for (let id = tokens.length - 1; id >= 0; id--) map[tokens[id] ?? ""] = id;
  return map;
}
