import { HeddleError } from "../base/heddle-error.ts";
import { type HttpServerOptions, startHttpServer } from "../serve/http-server.ts";
import { note } from "./output.ts";
import type { ServingStack } from "./serving-stack.ts";

export interface ServeLoop {
  readonly http: HttpServerOptions;
  readonly drainSeconds: number;
  /** Called once the address is listened on. */
  readonly onReady: (url: string) => void;
}

const MS_PER_S = 1_000;

/**
 * Serves until SIGTERM or SIGINT: then new requests get 503, those in flight end within the limit, and the hosts stop. A second signal ends at once.
 *
 * Errors: `insecure-bind`, `port-in-use`.
 */
export async function serveUntilSignal(stack: ServingStack, loop: ServeLoop): Promise<void> {
  const signalled = firstSignal();
  try {
    const server = await startHttpServer(stack.front, loop.http);
    loop.onReady(server.url);
    const name = await signalled;
    note(`${name}: ${stack.fleet.live} requests in flight have ${loop.drainSeconds} s to end; once more to end now`);
    await Promise.race([server.drain(loop.drainSeconds * MS_PER_S), firstSignal()]);
  } finally {
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
