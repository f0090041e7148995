import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { HeddleError } from "../../base/heddle-error.ts";
import { KNOWN_MODELS, type KnownModel, knownModel } from "./catalog.ts";

/** What a user meant by the name of a model. */
export type ModelName =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "known"; readonly model: KnownModel }
  | HubName;

export interface HubName {
  readonly kind: "hub";
  readonly repository: string;
  readonly revision: string;
  /** File, or a part of its name such as `Q8_0`; undefined for whatever the repository holds. */
  readonly file: string | undefined;
}

const HUB_NAME = /^(?<repository>[\w-][\w.-]*\/[\w-][\w.-]*)(?:@(?<revision>[\w./-]+))?(?::(?<file>[\w./-]+))?$/;

/** Reads `name`, `org/repository[@revision][:file]`, a path or a URL. A name of the catalog is that model, whatever lies here. Errors: `model-not-found`. */
export function parseModelName(name: string): ModelName {
  if (/^https?:\/\//i.test(name)) return { kind: "url", url: urlOf(name) };
  const path = name.startsWith("~/") ? join(homedir(), name.slice(2)) : resolve(name);
  const pathLike = /[/\\]/.test(name) || /\.(gguf|safetensors)$/i.test(name);
  if (pathLike && existsSync(path)) return { kind: "path", path };
  const model = knownModel(name);
  if (model !== undefined) return { kind: "known", model };
  if (existsSync(path)) return { kind: "path", path };
  const hub = HUB_NAME.exec(name)?.groups;
  if (hub !== undefined && !name.includes("..") && !/\.gguf$/i.test(hub["repository"] ?? "")) {
    return { kind: "hub", repository: hub["repository"] ?? "", revision: hub["revision"] ?? "main", file: hub["file"] };
  }
  if (pathLike) throw new HeddleError("model-not-found", { where: name, detail: "there is no such file or folder" });
  const names = KNOWN_MODELS.map((known) => known.name).join(", ");
  throw new HeddleError("model-not-found", { where: name, detail: `known names: ${names}; else give org/repository, a path or a URL` });
}

function urlOf(name: string): string {
  try {
    return new URL(name).href;
  } catch (cause) {
    throw new HeddleError("model-not-found", { where: name, detail: "it is not a URL", cause });
  }
}
