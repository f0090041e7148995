import { HeddleError } from "../../base/heddle-error.ts";
import type { TokenizerSource } from "../decoder/model.ts";
import { type HfConfig, parseJson } from "./hf-config.ts";

/** Texts of the files of a model's folder that describe its tokenizer; undefined where a file is not there. */
export interface HfTokenizerTexts {
  readonly tokenizer: string | undefined;
  readonly tokenizerConfig: string | undefined;
  readonly chatTemplate: string | undefined;
  readonly generationConfig: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** The tokenizer of a Hugging Face folder. Errors: `tokenizer-unsupported` without tokenizer.json, `model-config-invalid`. */
export function hfTokenizer(texts: HfTokenizerTexts, config: HfConfig): TokenizerSource {
  if (texts.tokenizer === undefined) {
    throw new HeddleError("tokenizer-unsupported", { where: "tokenizer.json", detail: "the folder has none; tokenizer.model is not read" });
  }
  const tokenizerJson = recordOf(texts.tokenizer, "tokenizer.json");
  const tokenizerConfig = recordOf(texts.tokenizerConfig ?? "{}", "tokenizer_config.json");
  if (tokenizerConfig["add_eos_token"] === true) {
    throw new HeddleError("tokenizer-unsupported", {
      where: "tokenizer_config.json, add_eos_token",
      detail: "prompts that end with the end token",
    });
  }
  const generation = recordOf(texts.generationConfig ?? "{}", "generation_config.json");
  const idOf = tokenIds(tokenizerJson);
  const bosId = idOf(textOf(tokenizerConfig["bos_token"])) ?? firstId(config.bos_token_id);
  const eosId = idOf(textOf(tokenizerConfig["eos_token"]));
  const stops = [...idList(generation["eos_token_id"]), ...idList(config.eos_token_id), ...(eosId === undefined ? [] : [eosId])];
  return {
    tokenizerJson,
    tokenizerConfig,
    chatTemplate: texts.chatTemplate ?? templateOf(tokenizerConfig["chat_template"]),
    bosId,
    addBos: bosId !== undefined && addsBos(tokenizerJson, tokenizerConfig),
    stopIds: [...new Set(stops)],
  };
}

function recordOf(text: string, file: string): Fields {
  const value = parseJson(text, file);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new HeddleError("model-config-invalid", { where: file, detail: "it is not an object" });
}

/** A token as its text or as an object with `content`. */
function textOf(token: unknown): string | undefined {
  if (typeof token === "string") return token;
  const content = typeof token === "object" && token !== null && "content" in token ? token.content : undefined;
  return typeof content === "string" ? content : undefined;
}

function tokenIds(tokenizerJson: Fields): (token: string | undefined) => number | undefined {
  const added = Array.isArray(tokenizerJson["added_tokens"]) ? (tokenizerJson["added_tokens"] as unknown[]) : [];
  const ids = new Map<string, number>();
  for (const token of added) {
    const id = typeof token === "object" && token !== null && "id" in token ? token.id : undefined;
    const text = textOf(token);
    if (text !== undefined && typeof id === "number" && Number.isSafeInteger(id) && id >= 0) ids.set(text, id);
  }
  return (token) => (token === undefined ? undefined : ids.get(token));
}

function idList(value: unknown): number[] {
  const list = Array.isArray(value) ? value : [value];
  return list.filter((id): id is number => typeof id === "number" && Number.isSafeInteger(id) && id >= 0);
}

function firstId(value: unknown): number | undefined {
  return idList(value)[0];
}

/** A template, or the one called `default` of several. */
function templateOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  const named = (value as unknown[]).filter((entry): entry is Fields => typeof entry === "object" && entry !== null);
  const chosen = (named.find((entry) => entry["name"] === "default") ?? named[0])?.["template"];
  return typeof chosen === "string" ? chosen : undefined;
}

/** Said by the configuration, or by a post-processor whose template begins with a special token. */
function addsBos(tokenizerJson: Fields, tokenizerConfig: Fields): boolean {
  const said = tokenizerConfig["add_bos_token"];
  if (typeof said === "boolean") return said;
  const post = tokenizerJson["post_processor"];
  if (typeof post !== "object" || post === null) return false;
  const steps = "processors" in post && Array.isArray(post.processors) ? (post.processors as unknown[]) : [post];
  return steps.some((step) => {
    const single = typeof step === "object" && step !== null && "single" in step ? step.single : undefined;
    const first: unknown = Array.isArray(single) ? single[0] : undefined;
    return typeof first === "object" && first !== null && "SpecialToken" in first;
  });
}
