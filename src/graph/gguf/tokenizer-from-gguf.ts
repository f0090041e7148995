import { HeddleError } from "../../base/heddle-error.ts";
import type { TokenizerSource } from "../decoder/model.ts";
import { bpeTokenizer } from "./bpe-tokenizer.ts";
import type { GgufFields } from "./gguf-fields.ts";
import { spmTokenizer } from "./spm-tokenizer.ts";
import { readVocabulary, type Vocabulary } from "./vocabulary.ts";

/** Keys that name a token which ends a turn, beside the end token. */
const STOP_KEYS = ["eos_token_id", "eot_token_id", "eom_token_id"] as const;

/**
 * The tokenizer of a GGUF file as a `tokenizer.json` object: byte-level BPE (`gpt2`) and SentencePiece (`llama`).
 *
 * Errors: `tokenizer-unsupported` naming model or pre-tokenizer; `gguf-invalid` naming the key.
 */
export function tokenizerFromGguf(fields: GgufFields): TokenizerSource {
  const model = fields.string("tokenizer.ggml.model");
  if (model !== "gpt2" && model !== "llama") {
    throw new HeddleError("tokenizer-unsupported", { where: "tokenizer.ggml.model", detail: model ?? "it is missing" });
  }
  if (fields.boolean("tokenizer.ggml.add_eos_token") === true) {
    throw new HeddleError("tokenizer-unsupported", {
      where: "tokenizer.ggml.add_eos_token",
      detail: "prompts that end with the end token",
    });
  }
  const vocabulary = readVocabulary(fields);
  const isSpm = model === "llama";
  const tokenizerJson = isSpm ? spmTokenizer(fields, vocabulary) : bpeTokenizer(fields, vocabulary);
  const idOf = (key: string): number | undefined => tokenId(fields, `tokenizer.ggml.${key}`, vocabulary);
  const named = STOP_KEYS.map(idOf).filter((id) => id !== undefined);
  const bosId = idOf("bos_token_id") ?? (isSpm ? 1 : undefined);
  const eosId = idOf("eos_token_id");
  return {
    tokenizerJson,
    tokenizerConfig: {
      bos_token: bosId === undefined ? undefined : vocabulary.tokens[bosId],
      eos_token: eosId === undefined ? undefined : vocabulary.tokens[eosId],
    },
    chatTemplate: fields.string("tokenizer.chat_template"),
    bosId,
    addBos: bosId !== undefined && (fields.boolean("tokenizer.ggml.add_bos_token") ?? addsBosByDefault(fields, isSpm)),
    stopIds: [...new Set([...named, ...vocabulary.turnEnds])],
  };
}

/** What llama.cpp does where the file does not say: SentencePiece and Llama 3's BPE begin with a token. */
function addsBosByDefault(fields: GgufFields, isSpm: boolean): boolean {
  return isSpm || /^(llama3|llama-v3|llama-bpe)$/.test(fields.string("tokenizer.ggml.pre") ?? "");
}

function tokenId(fields: GgufFields, key: string, vocabulary: Vocabulary): number | undefined {
  const id = fields.integer(key);
  if (id === undefined || id < vocabulary.tokens.length) return id;
  throw new HeddleError("gguf-invalid", { where: key, detail: `${id} is no token of ${vocabulary.tokens.length}` });
}
