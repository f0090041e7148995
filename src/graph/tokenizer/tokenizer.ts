import { HeddleError } from "../../base/heddle-error.ts";
import type { TokenizerSource } from "../decoder/model.ts";
import { type ChatMessage, type ChatTemplateOptions, chatTemplate } from "./chat-template.ts";
import { type LibraryTokenizer, newLibraryTokenizer } from "./library.ts";
import { mergeLongPiecesFast } from "./long-pieces.ts";
import { tokenPieces } from "./token-pieces.ts";
import { type TokenStream, type TokenStreamOptions, tokenStream } from "./token-stream.ts";

export interface EncodeOptions {
  /** Put the begin token in front where the model wants one; not for the text of a chat template. */
  readonly addSpecial: boolean;
  /** Read the text of special tokens as those tokens, as llama.cpp's server does for prompts and chats; default true. */
  readonly parseSpecial?: boolean;
}

/** Text to token ids and back, for one model. */
export interface Tokenizer {
  /**
   * Complexity: n log n in the text's length at worst, linear for texts of words.
   * Errors: `prompt-too-long` above 2 Mi characters.
   */
  encode(text: string, options: EncodeOptions): number[];
  /** The text of a whole sequence, special tokens left out. */
  decode(ids: readonly number[]): string;
  streamDecoder(options?: TokenStreamOptions): TokenStream;
  /** Bytes of one token, which need not be whole characters. */
  tokenBytes(id: number): Uint8Array;
  isSpecial(id: number): boolean;
  /** Errors: `request-unsupported` for a model without a template; `request-invalid` where the template refuses the messages. */
  applyChatTemplate(messages: readonly ChatMessage[], options: ChatTemplateOptions): string;
  readonly hasChatTemplate: boolean;
  /** Ids are below it. */
  readonly vocabularySize: number;
  readonly stopIds: readonly number[];
}

/** Longest text in UTF-16 units: beyond about four million V8's regular expressions overflow their stack on one word. */
const MAX_TEXT_LENGTH = 2_097_152;

type Json = Readonly<Record<string, unknown>>;

/** Builds a model's tokenizer. Errors: `tokenizer-unsupported` naming what is not run. */
export function loadTokenizer(source: TokenizerSource): Tokenizer {
  const json = jsonOf(source.tokenizerJson, "tokenizer.json");
  const model = jsonOf(json["model"], "tokenizer.json, model");
  if (model["type"] !== undefined && model["type"] !== "BPE") throw unsupported("tokenizer.json, model.type", String(model["type"]));
  if (!Array.isArray(model["merges"])) throw unsupported("tokenizer.json, model.merges", "it is not a list");
  const pieces = tokenPieces(json);
  const { full, plain } = build(json, source);
  const special = { bosToken: textOf(source.bosId, pieces.bytes), eosToken: eosText(source, pieces.bytes) };
  const render = source.chatTemplate === undefined ? undefined : chatTemplate(source.chatTemplate, special);
  return {
    encode: (text, options) => {
      if (text.length > MAX_TEXT_LENGTH) throw new HeddleError("prompt-too-long", { detail: `${text.length} characters` });
      const known = text === "" ? [] : encodeWith(options.parseSpecial === false ? plain : full, text);
      return options.addSpecial && source.addBos && source.bosId !== undefined ? [source.bosId, ...known] : known;
    },
    decode: (ids) => {
      const stream = tokenStream(pieces, { startOfText: true });
      return ids.map((id) => stream.push(id)).join("") + stream.flush();
    },
    streamDecoder: (options) => tokenStream(pieces, options),
    tokenBytes: pieces.bytes,
    isSpecial: pieces.isSpecial,
    applyChatTemplate: (messages, options) => {
      if (render === undefined)
        throw new HeddleError("request-unsupported", { where: "messages", detail: "the model has no chat template" });
      return render(messages, options);
    },
    hasChatTemplate: render !== undefined,
    vocabularySize: pieces.size,
    stopIds: source.stopIds,
  };
}

function encodeWith(encoder: LibraryTokenizer, text: string): number[] {
  try {
    return encoder.encode(text, { add_special_tokens: false }).ids.filter((id) => id !== undefined);
  } catch (cause) {
    // The library looks at some parts of a tokenizer.json only when it runs.
    throw unsupported("tokenizer.json", cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** Two encoders over one vocabulary: with and without the special tokens found in texts. */
function build(json: Json, source: TokenizerSource): { full: LibraryTokenizer; plain: LibraryTokenizer } {
  const config = { ...jsonOf(source.tokenizerConfig ?? {}, "tokenizer_config.json"), clean_up_tokenization_spaces: false };
  const added = Array.isArray(json["added_tokens"]) ? (json["added_tokens"] as Json[]) : [];
  const empty = { ...jsonOf(json["model"], "tokenizer.json, model"), vocab: {}, merges: [] };
  try {
    const full = newLibraryTokenizer({ ...json, added_tokens: added }, config);
    const plain = newLibraryTokenizer({ ...json, added_tokens: added.filter((token) => token["special"] !== true), model: empty }, config);
    plain.model = full.model;
    mergeLongPiecesFast(full.model);
    return { full, plain };
  } catch (cause) {
    throw unsupported("tokenizer.json", cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function jsonOf(value: unknown, where: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw unsupported(where, "it is not an object");
}

function textOf(id: number | undefined, bytes: (id: number) => Uint8Array): string {
  return id === undefined ? "" : new TextDecoder().decode(bytes(id));
}

function eosText(source: TokenizerSource, bytes: (id: number) => Uint8Array): string {
  const named = (source.tokenizerConfig as Json | undefined)?.["eos_token"];
  if (typeof named === "string") return named;
  return textOf(source.stopIds[0], bytes);
}

function unsupported(where: string, detail: string, cause?: unknown): HeddleError {
  return new HeddleError("tokenizer-unsupported", { where, detail, cause });
}
