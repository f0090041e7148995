import { HeddleError } from "../../base/heddle-error.ts";

/** Bytes every token stands for. */
export interface TokenPieces {
  /** Number of ids; every id is below it. */
  readonly size: number;
  /** Bytes of a token; empty for an id that has none. */
  bytes(id: number): Uint8Array;
  isSpecial(id: number): boolean;
  /** A text begins with one space more than its tokens should say (SentencePiece). */
  readonly stripsFirstSpace: boolean;
}

type Encode = (text: string) => Uint8Array;
type Json = Readonly<Record<string, unknown>>;
const NOTHING = new Uint8Array(0);
const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/;

/** Reads the decoder and vocabulary of a tokenizer.json. Errors: `tokenizer-unsupported` naming the decoder. */
export function tokenPieces(tokenizerJson: Json): TokenPieces {
  const steps = decoderSteps(tokenizerJson["decoder"]);
  const kinds = steps.map((step) => step["type"]);
  const byteLevel = kinds.includes("ByteLevel");
  if (!byteLevel && !kinds.includes("ByteFallback") && !kinds.includes("Metaspace")) {
    throw new HeddleError("tokenizer-unsupported", { where: "tokenizer.json, decoder", detail: kinds.join(", ") || "none" });
  }
  const added = new Map<unknown, Json>(listOf(tokenizerJson["added_tokens"]).map((token) => [token["id"], token]));
  const texts = textsById(tokenizerJson, added);
  const encoder = new TextEncoder();
  const encode: Encode = (text) => encoder.encode(text);
  const toByte = byteLevel ? byteOfSymbol() : undefined;
  const strips = kinds.includes("Strip") || steps.some((step) => step["type"] === "Metaspace" && step["prepend_scheme"] !== "never");
  return {
    size: texts.length,
    stripsFirstSpace: strips,
    isSpecial: (id) => added.get(id)?.["special"] === true,
    bytes: (id) => {
      const text = texts[id];
      if (text === undefined) return NOTHING;
      if (added.has(id)) return encode(text);
      return toByte === undefined ? sentencePiece(text, encode) : byteSymbols(text, toByte, encode);
    },
  };
}

function decoderSteps(decoder: unknown): Json[] {
  if (typeof decoder !== "object" || decoder === null) return [];
  const { decoders } = decoder as Json;
  return decoders === undefined ? [decoder as Json] : listOf(decoders);
}

function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter((entry): entry is Json => typeof entry === "object" && entry !== null) : [];
}

/** Ids a vocabulary may reach; keeps a damaged file from asking for an enormous table. */
const MAX_ID = 16_777_216;

function textsById(tokenizerJson: Json, added: ReadonlyMap<unknown, Json>): (string | undefined)[] {
  const model = tokenizerJson["model"];
  const vocab = typeof model === "object" && model !== null ? (model as Json)["vocab"] : undefined;
  if (typeof vocab !== "object" || vocab === null || Array.isArray(vocab)) {
    throw new HeddleError("tokenizer-unsupported", { where: "tokenizer.json, model.vocab", detail: "it is not a table of tokens" });
  }
  const texts: (string | undefined)[] = [];
  const put = (id: unknown, text: unknown): void => {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id >= MAX_ID || typeof text !== "string") {
      throw new HeddleError("tokenizer-unsupported", {
        where: "tokenizer.json",
        detail: `the token ${JSON.stringify(text)} has the id ${id}`,
      });
    }
    while (texts.length < id) texts.push(undefined);
    texts[id] = text;
  };
  for (const [text, id] of Object.entries(vocab)) put(id, text);
  for (const [id, token] of added) put(id, token["content"]);
  return texts;
}

function sentencePiece(text: string, encode: Encode): Uint8Array {
  const byte = BYTE_TOKEN.exec(text)?.[1];
  return byte === undefined ? encode(text.replaceAll("\u2581", " ")) : Uint8Array.of(Number.parseInt(byte, 16));
}

function byteSymbols(text: string, toByte: ReadonlyMap<string, number>, encode: Encode): Uint8Array {
  const bytes: number[] = [];
  for (const symbol of text) {
    const byte = toByte.get(symbol);
    if (byte === undefined) return encode(text);
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

/** GPT-2's printable characters for bytes: Latin-1's printable ones stand for themselves, the others follow from U+0100 on. */
function byteOfSymbol(): ReadonlyMap<string, number> {
  const map = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    map.set(String.fromCharCode(printable ? byte : next++), byte);
  }
  return map;
}
