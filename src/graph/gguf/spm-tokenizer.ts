import { HeddleError } from "../../base/heddle-error.ts";
import type { GgufFields } from "./gguf-fields.ts";
import { addedTokens, TOKEN_KIND, type Vocabulary, vocabularyMap } from "./vocabulary.ts";

const SPACE = "\u2581";
/** Longest token that is cut into pairs, in characters; SentencePiece's own limit is 16, and the work grows with the square. */
const MAX_MERGED_CHARACTERS = 256;

/**
 * A tokenizer.json object for SentencePiece BPE: merges are all ways to cut a token into two tokens, best score first, so that merging by
 * rank is merging by score.
 *
 * Complexity: tokens x their length.
 * Errors: `gguf-invalid`.
 */
export function spmTokenizer(fields: GgufFields, vocabulary: Vocabulary): unknown {
  const { tokens, kinds } = vocabulary;
  const scores = fields.numbers("tokenizer.ggml.scores");
  if (scores === undefined || scores.length !== tokens.length) {
    throw new HeddleError("gguf-invalid", { where: "tokenizer.ggml.scores", detail: `it must hold ${tokens.length} numbers` });
  }
  const unknown = fields.integer("tokenizer.ggml.unknown_token_id") ?? 0;
  const merged = tokens.map((_token, id) => id).filter((id) => kinds[id] === TOKEN_KIND.normal || kinds[id] === TOKEN_KIND.userDefined);
  const prefix = fields.boolean("tokenizer.ggml.add_space_prefix") ?? true;
  const replace = { type: "Replace", pattern: { String: " " }, content: SPACE };
  return {
    version: "1.0",
    added_tokens: addedTokens(vocabulary),
    normalizer: prefix ? { type: "Sequence", normalizers: [{ type: "Prepend", prepend: SPACE }, replace] } : replace,
    pre_tokenizer: spaceSplit(merged.map((id) => tokens[id] ?? "")),
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: SPACE }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...(prefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: "BPE",
      vocab: vocabularyMap(tokens),
      merges: mergesByScore(merged, tokens, scores),
      byte_fallback: true,
      unk_token: tokens[unknown],
      fuse_unk: false,
    },
  };
}

/**
 * Cuts a text before every run of spaces where no token reaches over such a place: the tokens are the same, and the work of a long text is
 * linear because words repeat.
 */
function spaceSplit(merged: readonly string[]): unknown {
  const across = new RegExp(`[^${SPACE}]${SPACE}`, "u");
  if (merged.some((token) => across.test(token))) return null;
  return { type: "Split", pattern: { Regex: `${SPACE}*[^${SPACE}]+|${SPACE}+` }, behavior: "Isolated", invert: false };
}

function mergesByScore(merged: readonly number[], tokens: readonly string[], scores: ArrayLike<number>): [string, string][] {
  const known = new Set(merged.map((id) => tokens[id] ?? ""));
  const order = [...merged].sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  const merges: [string, string][] = [];
  for (const id of order) {
    const characters = Array.from(tokens[id] ?? "");
    if (characters.length > MAX_MERGED_CHARACTERS) continue;
    let left = "";
    for (let cut = 1; cut < characters.length; cut++) {
      left += characters[cut - 1];
      const right = (tokens[id] ?? "").slice(left.length);
      if (known.has(left) && known.has(right)) merges.push([left, right]);
    }
  }
  return merges;
}
