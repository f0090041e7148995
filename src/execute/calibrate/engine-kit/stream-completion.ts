import { HeddleError } from "../../../base/heddle-error.ts";

/** The server that is measured. */
export interface MeasuredServer {
  /** Without `/v1`. */
  readonly url: string;
  readonly model: string;
  readonly key?: string;
  readonly signal?: AbortSignal;
}

/** One streamed completion, by the client's clock. Times in ns from the moment the request was sent. */
export interface StreamedCompletion {
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Arrival of each event that carried text. */
  readonly arrivalsNs: readonly number[];
}

/** Longest answer kept for an error. */
const DETAIL_MAX = 300;

/**
 * Sends one completion and notes when its pieces arrive. The server is asked to go on to `outputTokens` whatever the model says.
 *
 * Errors: `server-refused`.
 */
export async function streamCompletion(server: MeasuredServer, prompt: string, outputTokens: number): Promise<StreamedCompletion> {
  const body = {
    model: server.model,
    prompt,
    max_tokens: outputTokens,
    temperature: 0,
    ignore_eos: true,
    stream: true,
    stream_options: { include_usage: true },
  };
  const sent = performance.now();
  const response = await request(server, "/v1/completions", { method: "POST", body: JSON.stringify(body) });
  if (response.body === null) throw refused(server, "an answer without a body");
  const arrivalsNs: number[] = [];
  let usage: { prompt_tokens: number; completion_tokens: number } | undefined;
  for await (const event of eventsOf(response.body)) {
    const arrivedNs = (performance.now() - sent) * 1e6;
    if (event === "[DONE]") break;
    const chunk = parsed(server, event);
    if (chunk.error !== undefined) throw refused(server, JSON.stringify(chunk.error));
    if ((chunk.choices ?? []).some(({ text }) => typeof text === "string" && text !== "")) arrivalsNs.push(arrivedNs);
    if (chunk.usage !== undefined && chunk.usage !== null) usage = chunk.usage;
  }
  if (usage === undefined) throw refused(server, "its stream ended without a count of tokens (stream_options.include_usage)");
  if (arrivalsNs.length === 0) throw refused(server, "its stream held no text");
  return { promptTokens: usage.prompt_tokens, outputTokens: usage.completion_tokens, arrivalsNs };
}

/** Models the server names. Errors: `server-refused`. */
export async function servedModels(server: Omit<MeasuredServer, "model">): Promise<readonly string[]> {
  const response = await request({ ...server, model: "" }, "/v1/models", { method: "GET" });
  const answer = (await response.json()) as { data?: readonly { id?: unknown }[] };
  return (answer.data ?? []).map(({ id }) => id).filter((id) => typeof id === "string");
}

interface Chunk {
  readonly choices?: readonly { readonly text?: unknown }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
  readonly error?: unknown;
}

async function request(server: MeasuredServer, path: string, init: { readonly method: string; readonly body?: string }): Promise<Response> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (server.key !== undefined) headers["authorization"] = `Bearer ${server.key}`;
  let response: Response;
  try {
    response = await fetch(`${server.url.replace(/\/+$/, "")}${path}`, {
      ...init,
      headers,
      ...(server.signal === undefined ? {} : { signal: server.signal }),
    });
  } catch (cause) {
    if (server.signal?.aborted === true) throw new HeddleError("interrupted", { cause });
    const reason = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : String(cause);
    throw refused(server, reason, cause);
  }
  if (!response.ok) throw refused(server, `${response.status}: ${(await response.text()).slice(0, DETAIL_MAX)}`);
  return response;
}

/** The data of server-sent events, as they come. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      const line = rest.slice(0, end).trimEnd();
      rest = rest.slice(end + 1);
      if (line.startsWith("data:")) yield line.slice("data:".length).trim();
    }
  }
}

function parsed(server: MeasuredServer, event: string): Chunk {
  try {
    return JSON.parse(event) as Chunk;
  } catch (cause) {
    throw refused(server, `an event that is no JSON: ${event.slice(0, DETAIL_MAX)}`, cause);
  }
}

function refused(server: MeasuredServer, detail: string, cause?: unknown): HeddleError {
  return new HeddleError("server-refused", { where: server.url, detail, ...(cause === undefined ? {} : { cause }) });
}
