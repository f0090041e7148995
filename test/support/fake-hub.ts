/** A Hugging Face Hub on this machine for tests: listings, redirects to a store, ranges, checksums, and every way to misbehave. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeHub {
  readonly url: string;
  /** Requests in order: method, path and range. */
  readonly log: readonly string[];
  close(): Promise<void>;
}

export interface FakeHubOptions {
  /** Files by `repository/name`. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly token?: string;
  /** Cuts the connection of the first so many downloads after half of what they ask for. */
  readonly drops?: number;
  /** Sends other bytes than the checksum says. */
  readonly corrupt?: boolean;
  /** Never answers. */
  readonly silent?: boolean;
  /** Sends half of the first download and then nothing. */
  readonly stalls?: boolean;
  /** Ignores ranges. */
  readonly noRanges?: boolean;
}

const REVISION = "0123456789abcdef0123456789abcdef01234567";

export async function startFakeHub(options: FakeHubOptions): Promise<FakeHub> {
  const log: string[] = [];
  const state = { drops: options.drops ?? 0, stalls: options.stalls === true };
  const server = createServer((request, response) => {
    log.push([request.method, request.url, request.headers.range].filter((part) => part !== undefined).join(" "));
    if (options.silent !== true) answer(request, response, options, state);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    log,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

type State = { drops: number; stalls: boolean };

function answer(request: IncomingMessage, response: ServerResponse, options: FakeHubOptions, state: State): void {
  const path = decodeURIComponent(request.url ?? "");
  const stored = /^\/store\/(.+)$/.exec(path)?.[1];
  const repository = /^\/api\/models\/([^/]+\/[^/]+)\/revision\/.+$/.exec(path)?.[1];
  const resolve = /^\/([^/]+\/[^/]+)\/resolve\/[^/]+\/(.+)$/.exec(path);
  const key = resolve === null ? "" : `${resolve[1]}/${resolve[2]}`;
  const content = options.files[key];
  const refused = options.token !== undefined && request.headers.authorization !== `Bearer ${options.token}`;
  if (stored !== undefined) serveBytes(request, response, { options, state, key: stored });
  else if (refused) response.writeHead(401).end();
  else if (repository !== undefined) serveListing(response, options, repository);
  else if (content === undefined) response.writeHead(404).end();
  else if (key.endsWith(".json")) serveSmall(request, response, content);
  else {
    const sum = createHash("sha256").update(content).digest("hex");
    response.writeHead(302, { location: `/store/${key}`, "x-linked-etag": `"${sum}"`, "x-linked-size": content.length }).end();
  }
}

function serveListing(response: ServerResponse, options: FakeHubOptions, repository: string): void {
  const prefix = `${repository}/`;
  const names = Object.keys(options.files).filter((name) => name.startsWith(prefix));
  const siblings = [...names.map((name) => name.slice(prefix.length)), "../escape.gguf"].map((rfilename) => ({ rfilename }));
  if (names.length === 0) response.writeHead(404).end();
  else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ sha: REVISION, siblings }));
}

/** Small files come without a redirect, named by git's hash. */
function serveSmall(request: IncomingMessage, response: ServerResponse, content: Uint8Array): void {
  const sum = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
  response.writeHead(200, { etag: `"${sum}"`, "content-length": content.length });
  response.end(request.method === "HEAD" ? undefined : content);
}

function serveBytes(
  request: IncomingMessage,
  response: ServerResponse,
  what: { options: FakeHubOptions; state: State; key: string },
): void {
  const { options, state, key } = what;
  const original = options.files[key];
  if (original === undefined) {
    response.writeHead(404).end();
    return;
  }
  const content = options.corrupt === true ? original.map((byte) => byte ^ 1) : original;
  const etag = `"${key}"`;
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const from = asked !== null && options.noRanges !== true && request.headers["if-range"] === etag ? Number(asked[1]) : 0;
  const rest = content.subarray(from);
  const headers = { etag, "content-length": rest.length };
  if (from > 0) response.writeHead(206, { ...headers, "content-range": `bytes ${from}-${content.length - 1}/${content.length}` });
  else response.writeHead(200, headers);
  const half = rest.subarray(0, Math.ceil(rest.length / 2));
  if (state.drops > 0) {
    state.drops--;
    response.write(half, () => setTimeout(() => response.destroy(), 20));
  } else if (state.stalls) {
    state.stalls = false;
    response.write(half);
  } else response.end(rest);
}
