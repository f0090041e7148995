import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { HeddleError } from "../../base/heddle-error.ts";
import { attemptFetch, reasonOf, SourceFailure, throwIfInterrupted } from "./attempt-fetch.ts";
import { hashFile, sha256Of } from "./file-hash.ts";
import type { OnProgress } from "./progress.ts";

export interface DownloadRequest {
  readonly url: string;
  /** Where the whole file goes; while it grows it is `<target>.part`. */
  readonly target: string;
  /** Name of the source in progress reports. */
  readonly source: string;
  readonly file: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Checked when the file is whole; hex. */
  readonly sha256?: string | undefined;
  /** The name git gives the content, which the Hub uses for small files; hex. */
  readonly gitSha1?: string | undefined;
  readonly bytes?: number | undefined;
}

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Longest wait for an answer, default 5,000. Units: ms. */
  readonly connectTimeoutMs?: number;
  /** Longest silence while bytes come, default 30,000. Units: ms. */
  readonly stallTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
const STALL_TIMEOUT_MS = 30_000;
/** Tries that got no further than the one before, until the source is given up. */
const MAX_FRUITLESS_TRIES = 3;
const PAUSE_MS = 500;

/**
 * Downloads a file, resuming what an earlier try left, and moves it into place when it is whole and has its checksum.
 *
 * Returns the SHA-256 of the file, or why the source failed. What came is kept for the next try, except where the checksum is wrong.
 * Errors: `checksum-mismatch`, `interrupted`, `file-unwritable`.
 */
export async function download(request: DownloadRequest, options: DownloadOptions = {}): Promise<string | SourceFailure> {
  const part = new PartFile(request);
  let fruitless = 0;
  for (;;) {
    const before = part.size;
    const failure = await transfer(part, request, options);
    if (failure === undefined) return finish(part, request, options);
    if (!failure.transient) return failure;
    fruitless = part.size > before ? 0 : fruitless + 1;
    // A source that never answered is not asked again: the next one may.
    if (part.size === 0 || fruitless >= MAX_FRUITLESS_TRIES) return failure;
    await pause(PAUSE_MS, undefined, options.signal ? { signal: options.signal } : {}).catch(() => throwIfInterrupted(options.signal));
  }
}

/** The bytes that came so far, and which version of the file they belong to. */
class PartFile {
  readonly path: string;
  readonly #tagPath: string;

  constructor(request: DownloadRequest) {
    this.path = `${request.target}.part`;
    this.#tagPath = `${request.target}.part.tag`;
    writable(request.target, () => mkdirSync(dirname(request.target), { recursive: true }));
  }

  get size(): number {
    return statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** The entity tag the bytes were sent under. */
  get tag(): string | undefined {
    return existsSync(this.#tagPath) ? readFileSync(this.#tagPath, "utf8") : undefined;
  }

  begin(tag: string | undefined): void {
    writable(this.path, () => {
      writeFileSync(this.path, "");
      if (tag === undefined) rmSync(this.#tagPath, { force: true });
      else writeFileSync(this.#tagPath, tag);
    });
  }

  discard(): void {
    rmSync(this.path, { force: true });
    rmSync(this.#tagPath, { force: true });
  }

  moveTo(target: string): void {
    writable(target, () => renameSync(this.path, target));
    rmSync(this.#tagPath, { force: true });
  }
}

function writable<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new HeddleError("file-unwritable", { where: path, detail: reasonOf(cause), cause });
  }
}

/** One request: appends to the part file. Undefined when it is whole. */
async function transfer(part: PartFile, request: DownloadRequest, options: DownloadOptions): Promise<SourceFailure | undefined> {
  const { size, tag } = part;
  if (request.bytes !== undefined && size === request.bytes) return undefined;
  const range: Record<string, string> = size > 0 && tag !== undefined ? { range: `bytes=${size}-`, "if-range": tag } : {};
  const connectTimeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const headers = { "accept-encoding": "identity", ...request.headers, ...range };
  const answer = await attemptFetch(request.url, { headers, connectTimeoutMs, signal: options.signal });
  if (answer instanceof SourceFailure) return answer;
  const { response, abort } = answer;
  if (response.status === 416) {
    abort();
    part.discard();
    return new SourceFailure("the partial file was longer than the source's", true);
  }
  if (!response.ok || response.body === null) {
    abort();
    return new SourceFailure(`HTTP ${response.status} ${response.statusText}`.trim(), response.status >= 500);
  }
  const resumed = response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${size}-`) === true;
  if (!resumed) part.begin(strongTag(response.headers.get("etag")));
  const rest = Number(response.headers.get("content-length") ?? Number.NaN);
  const total = Number.isFinite(rest) ? rest + (resumed ? size : 0) : undefined;
  if (request.bytes !== undefined && total !== undefined && total !== request.bytes) {
    abort();
    part.discard();
    return new SourceFailure(`it has ${total} bytes instead of ${request.bytes}`, false);
  }
  return append(part, { body: response.body, abort, total: total ?? request.bytes }, { request, options });
}

/** Weak tags do not promise the same bytes, so nothing is resumed under them. */
function strongTag(tag: string | null): string | undefined {
  return tag === null || tag.startsWith("W/") ? undefined : tag;
}

interface Incoming {
  readonly body: ReadableStream<Uint8Array>;
  readonly abort: () => void;
  readonly total: number | undefined;
}

async function append(
  part: PartFile,
  incoming: Incoming,
  { request, options }: { request: DownloadRequest; options: DownloadOptions },
): Promise<SourceFailure | undefined> {
  const stallMs = options.stallTimeoutMs ?? STALL_TIMEOUT_MS;
  const descriptor = writable(part.path, () => openSync(part.path, "a"));
  let bytes = part.size;
  let stalled = false;
  const stop = (): void => {
    stalled = true;
    incoming.abort();
  };
  let timer = setTimeout(stop, stallMs);
  try {
    for await (const chunk of incoming.body) {
      clearTimeout(timer);
      timer = setTimeout(stop, stallMs);
      for (let done = 0; done < chunk.length; ) done += writable(part.path, () => writeSync(descriptor, chunk, done));
      bytes += chunk.length;
      if (incoming.total !== undefined && bytes > incoming.total) throw new HeddleError("checksum-mismatch", { where: request.url });
      options.onProgress?.({ stage: "download", source: request.source, file: request.file, bytes, totalBytes: incoming.total });
    }
  } catch (cause) {
    throwIfInterrupted(options.signal);
    if (cause instanceof HeddleError) throw cause;
    return new SourceFailure(stalled ? `nothing came for ${stallMs / 1000} s` : reasonOf(cause), true);
  } finally {
    clearTimeout(timer);
    closeSync(descriptor);
  }
  throwIfInterrupted(options.signal);
  if (incoming.total !== undefined && bytes < incoming.total) return new SourceFailure(`it ended after ${bytes} bytes`, true);
  return undefined;
}

async function finish(part: PartFile, request: DownloadRequest, options: DownloadOptions): Promise<string> {
  const totalBytes = part.size;
  options.onProgress?.({ stage: "check", source: request.source, file: request.file, bytes: totalBytes, totalBytes });
  const sum = await sha256Of(part.path, options.signal).catch((cause: unknown) => {
    throwIfInterrupted(options.signal);
    throw cause;
  });
  const wrong = request.sha256 !== undefined && sum !== request.sha256.toLowerCase() ? request.sha256 : await wrongGitSum(part, request);
  if (wrong !== undefined) {
    part.discard();
    throw new HeddleError("checksum-mismatch", { where: request.url, detail: `SHA-256 ${sum}, expected ${wrong}` });
  }
  part.moveTo(request.target);
  return sum;
}

async function wrongGitSum(part: PartFile, request: DownloadRequest): Promise<string | undefined> {
  if (request.gitSha1 === undefined) return undefined;
  const hash = createHash("sha1").update(`blob ${part.size}\0`);
  const sum = (await hashFile(part.path, { hash })).digest("hex");
  return sum === request.gitSha1 ? undefined : `git ${request.gitSha1}`;
}
