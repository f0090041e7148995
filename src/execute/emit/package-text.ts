import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { HeddleError } from "../../base/heddle-error.ts";
import { readZipDirectory } from "../../graph/torch-export/zip-directory.ts";
import { readZipEntry } from "../../graph/torch-export/zip-entry.ts";
import type { PackageText } from "../../plan/emit/options/read/read-package.ts";
import { openFileBytes } from "../file-bytes.ts";

/** Text files of a package are smaller. Units: bytes. */
const TEXT_BYTES_MAX = 16 * 1024 * 1024;
/** Files of a folder that are looked at. */
const FOLDER_FILES_MAX = 200_000;

/**
 * Text of a Python package without running it: a wheel, or a folder it is installed in (`site-packages`) or unpacked to.
 *
 * `package` is the name that the metadata must have, such as `vllm`. Errors: `file-unreadable`, also where the package is not in it.
 */
export function openPackageText(path: string, name: string): PackageText {
  return statOf(path).isDirectory() ? folderText(path, name) : wheelText(path, name);
}

function statOf(path: string): ReturnType<typeof statSync> & object {
  try {
    return statSync(path);
  } catch (cause) {
    throw new HeddleError("file-unreadable", { where: path, cause });
  }
}

function wheelText(path: string, name: string): PackageText {
  const bytes = openFileBytes(path);
  const entries = zipEntries(path, bytes);
  const read = (entry: string): string => {
    const found = entries.get(entry);
    if (found === undefined) throw new HeddleError("file-unreadable", { where: path, detail: `it has no ${entry}` });
    return new TextDecoder().decode(readZipEntry(bytes, found, TEXT_BYTES_MAX));
  };
  return { version: versionOf(path, name, [...entries.keys()], read), paths: [...entries.keys()], read };
}

/** The directory of a wheel is that of any zip file. */
function zipEntries(path: string, bytes: ReturnType<typeof openFileBytes>): ReturnType<typeof readZipDirectory> {
  try {
    return readZipDirectory(bytes);
  } catch (cause) {
    throw new HeddleError("file-unreadable", { where: path, detail: "it is no wheel: its zip directory cannot be read", cause });
  }
}

function folderText(path: string, name: string): PackageText {
  const metadata = readdirSync(path).filter((entry) => entry.endsWith(".dist-info"));
  const folders = [name.replaceAll("-", "_"), PACKAGE_FOLDERS[name] ?? ""].filter((each) => each !== "");
  const paths = [...folders, ...metadata].flatMap((folder) => filesBelow(path, folder));
  const read = (entry: string): string => readFileSync(join(path, entry), "utf8");
  return { version: versionOf(path, name, paths, read), paths, read };
}

/** Packages whose folder has another name. */
const PACKAGE_FOLDERS: Readonly<Record<string, string>> = { "ai-dynamo": "dynamo" };

function filesBelow(root: string, folder: string): string[] {
  const found: string[] = [];
  const open = [folder];
  while (open.length > 0 && found.length < FOLDER_FILES_MAX) {
    const at = open.pop()!;
    for (const entry of entriesOf(join(root, at))) {
      if (entry.isDirectory()) open.push(`${at}/${entry.name}`);
      else found.push(`${at}/${entry.name}`);
    }
  }
  return found;
}

function entriesOf(path: string): { readonly name: string; isDirectory(): boolean }[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** From `<name>-<version>.dist-info`. */
function versionOf(path: string, name: string, paths: readonly string[], read: (entry: string) => string): string {
  const stem = name.replaceAll("-", "_").toLowerCase();
  const metadata = paths.find((entry) => entry.toLowerCase().startsWith(`${stem}-`) && entry.endsWith(".dist-info/METADATA"));
  if (metadata === undefined) throw new HeddleError("file-unreadable", { where: path, detail: `the package ${name} is not in it` });
  return `${name} ${/^Version: (.+)$/m.exec(read(metadata))?.[1]?.trim() ?? "of unknown version"}`;
}
