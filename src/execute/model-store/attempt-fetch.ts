import { HeddleError } from "../../base/heddle-error.ts";

/** A source did not answer, or not with what was asked for; the next one is tried. */
export class SourceFailure {
  readonly reason: string;
  /** The same request may work when repeated. */
  readonly transient: boolean;

  constructor(reason: string, transient: boolean) {
    this.reason = reason;
    this.transient = transient;
  }
}

export interface FetchOptions {
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest wait for the first byte of an answer. Units: ms. */
  readonly connectTimeoutMs: number;
  readonly redirect?: "follow" | "manual";
  readonly signal?: AbortSignal | undefined;
}

/** A response, or why there is none. `abort` ends the transfer of its body. Errors: `interrupted` when the signal fires. */
export async function attemptFetch(url: string, options: FetchOptions): Promise<{ response: Response; abort: () => void } | SourceFailure> {
  throwIfInterrupted(options.signal);
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  options.signal?.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(abort, options.connectTimeoutMs);
  try {
    const response = await fetch(url, {
      method: options.method ?? "GET",
      headers: { "user-agent": "heddle", ...options.headers },
      redirect: options.redirect ?? "follow",
      signal: controller.signal,
    });
    return { response, abort };
  } catch (cause) {
    options.signal?.removeEventListener("abort", abort);
    throwIfInterrupted(options.signal);
    if (controller.signal.aborted) return new SourceFailure(`no answer within ${options.connectTimeoutMs / 1000} s`, true);
    return new SourceFailure(reasonOf(cause), true);
  } finally {
    clearTimeout(timer);
  }
}

export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new HeddleError("interrupted", { detail: "what came from the Hub or a URL is kept and resumed" });
}

/** The innermost reason of a failed fetch, which says only "fetch failed" itself. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause.cause;
  if (inner instanceof AggregateError && inner.errors.length > 0) return reasonOf(inner.errors[0]);
  if (inner instanceof Error) return reasonOf(inner);
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
  return code !== undefined && !cause.message.includes(code) ? `${code} ${cause.message}` : cause.message;
}
