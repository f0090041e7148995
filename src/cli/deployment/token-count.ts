import { HeddleError } from "../../base/heddle-error.ts";
import { newLibraryTokenizer } from "../../graph/tokenizer/library.ts";
import type { CountTokens } from "../../simulate/workload/share-gpt-json.ts";
import { readTextFile } from "../read-file.ts";

/** Counts tokens with a `tokenizer.json`. Errors: `file-unreadable`, `tokenizer-unsupported`. */
export function openTokenCount(path: string): CountTokens {
  const text = readTextFile(path);
  try {
    const tokenizer = newLibraryTokenizer(JSON.parse(text) as object, {});
    return (words) => tokenizer.encode(words, { add_special_tokens: false }).ids.length;
  } catch (cause) {
    throw new HeddleError("tokenizer-unsupported", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
}
