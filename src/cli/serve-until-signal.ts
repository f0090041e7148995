import { HeddleError } from "../base/heddle-error.ts";
import { type HttpServer, type HttpServerOptions, startHttpServer } from "../serve/http-server.ts";
import { note } from "./output.ts";
import { type ServingStack, untilUp } from "./serving-stack.ts";

export interface ServeLoop {
  readonly http: HttpServerOptions;
  readonly drainSeconds: number;
  /** Called once the address is listened on and all hosts are up. */
  readonly onReady: (url: string, signal: AbortSignal) => Promise<void> | void;
  /** Called when requests have ended, before the hosts stop. */
  readonly onDrained?: () => Promise<void>;
}

const MS_PER_S = 1_000;

/**
 * Listens at once (not ready until a host is up) and serves until SIGTERM or SIGINT: then new requests get 503, those in flight end within the
 * limit, and the hosts stop. A second signal ends at once; a signal before `onReady` is done is `interrupted`.
 *
 * Errors: `insecure-bind`, `port-in-use`, `interrupted`; what keeps a host from starting.
 */
export async function serveUntilSignal(stack: ServingStack, loop: ServeLoop): Promise<void> {
  let server: HttpServer | undefined;
  try {
    server = await startHttpServer(stack.front, loop.http);
    const { signal, release } = abortOnSignal();
    await untilUp(stack, signal);
    await loop.onReady(server.url, signal);
    signal.throwIfAborted();
    release();
    const name = await firstSignal();
    note(`${name}: ${stack.fleet.live} requests in flight have ${loop.drainSeconds} s to end; once more to end now`);
    await Promise.race([server.drain(loop.drainSeconds * MS_PER_S), firstSignal()]);
    await loop.onDrained?.();
  } finally {
    server?.stop();
    await stack.fleet.close();
  }
}

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const take = (name: NodeJS.Signals): void => {
      for (const other of SIGNALS) process.off(other, take);
      resolve(name);
    };
    for (const name of SIGNALS) process.on(name, take);
  });
}

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** A signal that aborts with `interrupted` on SIGINT or SIGTERM, until `release`. */
export function abortOnSignal(): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort(new HeddleError("interrupted"));
  for (const name of SIGNALS) process.once(name, abort);
  return {
    signal: controller.signal,
    release: () => {
      for (const name of SIGNALS) process.off(name, abort);
    },
  };
}
