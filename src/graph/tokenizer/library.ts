import { Tokenizer } from "@huggingface/tokenizers";

/** The part of @huggingface/tokenizers that is used; the package's own declarations do not resolve under Node's module rules. */
export interface LibraryTokenizer {
  encode(text: string, options: { readonly add_special_tokens: boolean }): { readonly ids: readonly (number | undefined)[] };
  model: BpeModel;
}

export interface BpeModel {
  /** Merges the characters of one piece of text into tokens. */
  bpe(piece: string): string[];
  readonly merges: readonly (readonly [string, string])[];
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  readonly vocab: readonly string[];
  readonly end_of_word_suffix?: string | null;
  readonly continuing_subword_suffix?: string | null;
}

export function newLibraryTokenizer(tokenizerJson: object, config: object): LibraryTokenizer {
  const made: LibraryTokenizer = new Tokenizer(tokenizerJson, config);
  return made;
}
