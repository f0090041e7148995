import { z } from "zod";
import { attemptFetch, SourceFailure } from "./attempt-fetch.ts";
import { type DownloadOptions, type DownloadRequest, download } from "./download.ts";

const DEFAULT_ENDPOINT = "https://huggingface.co";
const CONNECT_TIMEOUT_MS = 5_000;
/** Redirects inside the Hub, which renamed repositories answer with. */
const MAX_HOPS = 3;
/** Largest list of files read. Units: bytes. */
const MAX_LIST_BYTES = 16 * 1024 * 1024;

export interface HubFile {
  readonly repository: string;
  readonly revision: string;
  readonly file: string;
}

/** What the Hub says about a file before it is fetched. */
export interface HubFileFacts {
  readonly sha256: string | undefined;
  readonly gitSha1: string | undefined;
  readonly bytes: number | undefined;
}

export interface HubListing {
  /** Commit the names belong to. */
  readonly revision: string;
  readonly files: readonly string[];
}

const SAFE_FILE = /^[\w-][\w.+-]*(\/[\w-][\w.+-]*)*$/;
const listingSchema = z.object({ sha: z.string().regex(/^[0-9a-f]{40}$/), siblings: z.array(z.object({ rfilename: z.string() })) });

/** Client of the Hugging Face Hub: HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE are honoured. */
export class HubClient {
  readonly endpoint: string;
  readonly #token: string | undefined;
  readonly #offline: boolean;
  readonly #options: DownloadOptions;

  constructor(env: NodeJS.ProcessEnv, options: DownloadOptions) {
    this.endpoint = (env["HF_ENDPOINT"] || DEFAULT_ENDPOINT).replace(/\/+$/, "");
    this.#token = env["HF_TOKEN"] || undefined;
    this.#offline = /^(1|true|yes|on)$/i.test(env["HF_HUB_OFFLINE"] ?? "");
    this.#options = options;
  }

  /** Files of a repository at a revision (a branch, tag or commit). */
  async list(repository: string, revision: string): Promise<HubListing | SourceFailure> {
    const url = `${this.endpoint}/api/models/${repository}/revision/${encodeURIComponent(revision)}`;
    const answer = await this.#fetch(url, "GET", "follow");
    if (answer instanceof SourceFailure) return answer;
    const { response, abort } = answer;
    if (!response.ok || Number(response.headers.get("content-length") ?? 0) > MAX_LIST_BYTES) {
      abort();
      return refusal(response);
    }
    const parsed = listingSchema.safeParse(await response.json().catch(() => undefined));
    if (!parsed.success) return new SourceFailure("its answer is no list of files", false);
    // A name becomes a path in the cache, so nothing that could lead out of it is taken.
    const files = parsed.data.siblings.map((sibling) => sibling.rfilename).filter((file) => SAFE_FILE.test(file));
    return { revision: parsed.data.sha, files };
  }

  /** Size and checksum of a file. */
  async facts(file: HubFile): Promise<HubFileFacts | SourceFailure> {
    let url = this.#urlOf(file);
    for (let hop = 0; hop < MAX_HOPS; hop++) {
      const answer = await this.#fetch(url, "HEAD", "manual");
      if (answer instanceof SourceFailure) return answer;
      const { headers, status, ok } = answer.response;
      const linked = headers.get("x-linked-etag");
      const location = headers.get("location");
      if (linked !== null || ok) return factsOf(headers);
      const next = status >= 300 && status < 400 && location !== null ? new URL(location, url) : undefined;
      if (next === undefined || next.origin !== new URL(url).origin) return next === undefined ? refusal(answer.response) : UNKNOWN_FACTS;
      url = next.href;
    }
    return new SourceFailure("it redirects without end", false);
  }

  /** Downloads a file into `target` and checks it against what the Hub says and what the caller expects. Returns its SHA-256. */
  async download(file: HubFile, target: string, expected: { sha256?: string; bytes?: number } = {}): Promise<string | SourceFailure> {
    const facts = await this.facts(file);
    if (facts instanceof SourceFailure) return facts;
    if (expected.sha256 !== undefined && facts.sha256 !== undefined && facts.sha256 !== expected.sha256) {
      return new SourceFailure(`it holds another file (SHA-256 ${facts.sha256.slice(0, 12)}...)`, false);
    }
    const request: DownloadRequest = {
      url: this.#urlOf(file),
      target,
      source: new URL(this.endpoint).host,
      file: file.file,
      headers: this.#headers(),
      sha256: expected.sha256 ?? facts.sha256,
      gitSha1: facts.gitSha1,
      bytes: expected.bytes ?? facts.bytes,
    };
    return download(request, this.#options);
  }

  async #fetch(url: string, method: "GET" | "HEAD", redirect: "follow" | "manual"): ReturnType<typeof attemptFetch> {
    if (this.#offline) return new SourceFailure("HF_HUB_OFFLINE is set", false);
    const { connectTimeoutMs = CONNECT_TIMEOUT_MS, signal } = this.#options;
    // Without it a compressing proxy hides the length.
    const headers = { "accept-encoding": "identity", ...this.#headers() };
    return attemptFetch(url, { method, redirect, headers, connectTimeoutMs, signal });
  }

  #headers(): Record<string, string> {
    return this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
  }

  #urlOf({ repository, revision, file }: HubFile): string {
    return `${this.endpoint}/${repository}/resolve/${encodeURIComponent(revision)}/${file.split("/").map(encodeURIComponent).join("/")}`;
  }
}

const UNKNOWN_FACTS: HubFileFacts = { sha256: undefined, gitSha1: undefined, bytes: undefined };

/** Large files are named by SHA-256 in `x-linked-etag`, small ones by git's SHA-1 in `etag`. */
function factsOf(headers: Headers): HubFileFacts {
  const tag = (headers.get("x-linked-etag") ?? headers.get("etag") ?? "").replace(/^W\//, "").replaceAll('"', "").toLowerCase();
  const size = Number(headers.get("x-linked-size") ?? headers.get("content-length") ?? Number.NaN);
  return {
    sha256: /^[0-9a-f]{64}$/.test(tag) ? tag : undefined,
    gitSha1: /^[0-9a-f]{40}$/.test(tag) ? tag : undefined,
    bytes: Number.isSafeInteger(size) && size > 0 ? size : undefined,
  };
}

function refusal(response: Response): SourceFailure {
  const { status } = response;
  if (status === 401 || status === 403) return new SourceFailure(`HTTP ${status}: private, gated or not there; HF_TOKEN may help`, false);
  if (status === 404) return new SourceFailure("HTTP 404: no such repository, revision or file", false);
  return new SourceFailure(`HTTP ${status}`, status >= 500);
}
