import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { modelsFolder } from "./cache-folder.ts";
import { KNOWN_MODELS } from "./catalog.ts";

/** A model in the local cache, or one of the catalog that is not there yet. */
export interface StoredModel {
  /** What `heddle model pull` takes. */
  readonly name: string;
  readonly kind: "gguf" | "folder";
  /** Undefined where it has not been pulled. */
  readonly path: string | undefined;
  readonly bytes: number;
}

/** Models of the cache and the catalog, in order of their names. */
export function listModels(env: NodeJS.ProcessEnv = process.env): StoredModel[] {
  const root = modelsFolder(env);
  const stored = subfolders(root).flatMap((folder) =>
    folder === "urls"
      ? subfolders(join(root, folder)).flatMap((name) => modelsIn(join(root, folder, name), undefined))
      : modelsIn(join(root, folder), folder),
  );
  const known = KNOWN_MODELS.filter((model) => !stored.some((entry) => entry.name === model.name));
  const absent = known.map(({ name, bytes }): StoredModel => ({ name, kind: "gguf", path: undefined, bytes }));
  return [...stored, ...absent].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function modelsIn(path: string, folder: string | undefined): StoredModel[] {
  const files = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isFile() && !entry.name.startsWith("."));
  const sizeOf = (file: string): number => statSync(join(path, file)).size;
  const names = files.map((entry) => entry.name);
  if (names.includes("config.json") && names.some((name) => name.endsWith(".safetensors"))) {
    const bytes = names.reduce((sum, name) => sum + sizeOf(name), 0);
    return [{ name: hubName(folder ?? path), kind: "folder", path, bytes }];
  }
  const known = KNOWN_MODELS.find((model) => model.name === folder);
  return names
    .filter((name) => /\.gguf$/i.test(name))
    .map((name): StoredModel => {
      const file = join(path, name);
      const pullName = known?.name ?? (folder === undefined ? file : `${hubName(folder)}:${name}`);
      return { name: pullName, kind: "gguf", path: file, bytes: sizeOf(name) };
    });
}

function hubName(folder: string): string {
  return folder.replace("--", "/");
}

function subfolders(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return [];
    throw cause;
  }
}
