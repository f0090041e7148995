import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { HeddleError } from "../../base/heddle-error.ts";
import type { HfFolder } from "../../graph/hf-config/decoder-from-hf.ts";
import { shardNames } from "../../graph/hf-config/hf-weights.ts";
import { type FileBytes, openFileBytes } from "../file-bytes.ts";

/** Largest text file of a model's folder; tokenizer.json of large vocabularies has about 20 MB. */
const MAX_TEXT_BYTES = 256 * 1024 * 1024;
const SINGLE_FILE = "model.safetensors";
export const INDEX_FILE = "model.safetensors.index.json";

/** Opens the files of a Hugging Face folder. Errors: `file-unreadable`, `model-config-invalid`. */
export function openHfFolder(path: string): HfFolder {
  const optional = (name: string): string | undefined => (existsSync(join(path, name)) ? readText(join(path, name)) : undefined);
  const index = optional(INDEX_FILE);
  const names = index === undefined ? [SINGLE_FILE] : shardNames(index);
  return {
    name: basename(resolve(path)),
    config: readText(join(path, "config.json")),
    weights: openAll(path, names),
    tokenizer: {
      tokenizer: optional("tokenizer.json"),
      tokenizerConfig: optional("tokenizer_config.json"),
      chatTemplate: optional("chat_template.jinja"),
      generationConfig: optional("generation_config.json"),
    },
  };
}

function openAll(path: string, names: readonly string[]): ReadonlyMap<string, FileBytes> {
  const opened = new Map<string, FileBytes>();
  try {
    for (const name of names) opened.set(name, openFileBytes(join(path, name)));
    return opened;
  } catch (error) {
    for (const file of opened.values()) file.close();
    throw error;
  }
}

function readText(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_TEXT_BYTES) throw new HeddleError("file-unreadable", { where: path, detail: `${size} bytes of text` });
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof HeddleError) throw cause;
    throw new HeddleError("file-unreadable", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
}
