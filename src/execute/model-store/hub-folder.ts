import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HeddleError } from "../../base/heddle-error.ts";
import { shardNames } from "../../graph/hf-config/hf-weights.ts";
import { SourceFailure } from "./attempt-fetch.ts";
import { INDEX_FILE } from "./hf-folder.ts";
import type { HubClient, HubListing } from "./hub.ts";
import type { HubName } from "./model-name.ts";

/** Small files of a Hugging Face model that are read where they exist. */
const SIDE_FILES = ["config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"];
const RECORD_FILE = ".heddle.json";

/** Formats of GGUF files by preference where a repository holds several: those read entirely, small and true first. */
const GGUF_PREFERENCE = [/Q8_0/i, /Q4_1/i, /Q4_0/i, /Q4_K/i, /Q6_K/i, /BF16/i, /F16/i, /F32/i];

interface FolderRecord {
  readonly repository: string;
  readonly revision: string;
  readonly files: Readonly<Record<string, number>>;
}

/** A model pulled before: its folder, or the file asked for in it. */
export function cachedHubModel(folder: string, name: HubName): string | undefined {
  const record = readRecord(folder);
  if (record === undefined) return undefined;
  if (name.revision !== "main" && record.revision !== name.revision) return undefined;
  const whole = Object.entries(record.files).every(
    ([file, bytes]) => statSync(join(folder, file), { throwIfNoEntry: false })?.size === bytes,
  );
  if (!whole) return undefined;
  const names = Object.keys(record.files);
  if (name.file === undefined && names.includes("config.json")) return folder;
  const gguf = chooseGguf(names, name.file);
  return gguf === undefined ? undefined : join(folder, gguf);
}

/** Downloads what heddle reads of a repository: one GGUF file, or configuration, tokenizer and safetensors. Returns the path to open. */
export async function pullFromHub(client: HubClient, name: HubName, folder: string): Promise<string | SourceFailure> {
  const listing = await client.list(name.repository, name.revision);
  if (listing instanceof SourceFailure) return listing;
  mkdirSync(folder, { recursive: true });
  const gguf = chooseGguf(listing.files, name.file);
  const isFolder =
    name.file === undefined && listing.files.includes("config.json") && listing.files.some((file) => /\.safetensors$/.test(file));
  if (!isFolder && gguf === undefined) return new SourceFailure("the repository holds no GGUF file that fits and no safetensors", false);
  const files = isFolder ? SIDE_FILES.filter((file) => listing.files.includes(file)) : [gguf ?? ""];
  const pulled = await pullFiles({ client, name, folder, listing }, files, isFolder);
  if (pulled !== undefined) return pulled;
  return isFolder ? folder : join(folder, gguf ?? "");
}

interface FolderPull {
  readonly client: HubClient;
  readonly name: HubName;
  readonly folder: string;
  readonly listing: HubListing;
}

async function pullFiles(pull: FolderPull, files: readonly string[], withWeights: boolean): Promise<SourceFailure | undefined> {
  const { client, name, folder, listing } = pull;
  const done: Record<string, number> = {};
  const fetchAll = async (wanted: readonly string[]): Promise<SourceFailure | undefined> => {
    for (const file of wanted) {
      const target = join(folder, file);
      const fetched = await client.download({ repository: name.repository, revision: listing.revision, file }, target);
      if (fetched instanceof SourceFailure) return new SourceFailure(`${file}: ${fetched.reason}`, fetched.transient);
      done[file] = statSync(target).size;
    }
    return undefined;
  };
  const weights = listing.files.includes(INDEX_FILE) ? [INDEX_FILE] : ["model.safetensors"];
  const failure = await fetchAll(withWeights ? [...files, ...weights] : files);
  if (failure !== undefined) return failure;
  if (withWeights && weights[0] === INDEX_FILE) {
    const shards = await fetchAll(shardNames(readFileSync(join(folder, INDEX_FILE), "utf8")));
    if (shards !== undefined) return shards;
  }
  const before = readRecord(folder);
  const kept = before?.revision === listing.revision ? before.files : {};
  const record: FolderRecord = { repository: name.repository, revision: listing.revision, files: { ...kept, ...done } };
  writeFileSync(join(folder, RECORD_FILE), JSON.stringify(record, null, 2));
  return undefined;
}

/** The GGUF file asked for by name or part of a name; without one the best format. Files in parts are left out. */
export function chooseGguf(files: readonly string[], wanted: string | undefined): string | undefined {
  const whole = files.filter((file) => /\.gguf$/i.test(file) && !/-\d{5}-of-\d{5}\.gguf$/i.test(file) && !/^[^/]*mmproj/i.test(file));
  if (wanted !== undefined) {
    const fits = whole.filter((file) => file.toLowerCase().includes(wanted.toLowerCase()));
    return whole.find((file) => file === wanted) ?? fits[0];
  }
  for (const format of GGUF_PREFERENCE) {
    const found = whole.find((file) => format.test(file));
    if (found !== undefined) return found;
  }
  return whole[0];
}

function readRecord(folder: string): FolderRecord | undefined {
  const path = join(folder, RECORD_FILE);
  if (!existsSync(path)) return undefined;
  try {
    const record = JSON.parse(readFileSync(path, "utf8")) as Partial<FolderRecord>;
    if (typeof record.files !== "object" || typeof record.revision !== "string") return undefined;
    return { repository: record.repository ?? "", revision: record.revision, files: record.files };
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw new HeddleError("file-unreadable", { where: path, cause });
  }
}
