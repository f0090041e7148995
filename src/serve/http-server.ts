import { createServer, type Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { HeddleError } from "../base/heddle-error.ts";
import type { TextFront } from "../execute/front-end/text-front.ts";
import { createServingMetrics } from "../telemetry/serving-metrics.ts";
import type { ApiKeys } from "./api-keys.ts";
import { createApp } from "./app.ts";

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly keys?: ApiKeys | undefined;
  readonly bodyBytesMax: number;
}

/** A listening HTTP edge. */
export interface HttpServer {
  readonly url: string;
  readonly port: number;
  /** New requests get 503, those in flight end, for at most so long; then all connections are closed. */
  drain(limitMs: number): Promise<void>;
  /** Closes everything at once. */
  stop(): void;
}

const LOOPBACK: readonly string[] = ["127.0.0.1", "::1", "localhost"];

/** Errors: `insecure-bind` for an address beyond loopback without keys. */
export function checkBind({ host, keys }: Pick<HttpServerOptions, "host" | "keys">): void {
  if (!LOOPBACK.includes(host) && keys === undefined) throw new HeddleError("insecure-bind", { where: host });
}

/** Whether the address could be listened on now, for what takes long before it is. Errors: `insecure-bind`, `port-in-use`. */
export async function checkAddress(options: Pick<HttpServerOptions, "host" | "port" | "keys">): Promise<void> {
  checkBind(options);
  const server = createServer();
  await listen(server, options.host, options.port);
  await new Promise((resolve) => server.close(resolve));
}

/** Errors: `insecure-bind`, `port-in-use`. */
export async function startHttpServer(front: TextFront, options: HttpServerOptions): Promise<HttpServer> {
  const { host, keys, bodyBytesMax } = options;
  checkBind(options);
  const metrics = createServingMetrics(front.model);
  let draining = false;
  const app = createApp({ front, metrics, keys, bodyBytesMax, draining: () => draining });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  const port = await listen(server, host, options.port);
  return {
    port,
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    drain: async (limitMs) => {
      draining = true;
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, limitMs);
      });
      await Promise.race([front.fleet.drain(), limit]);
      clearTimeout(timer);
      await close(server);
    },
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const code = cause.code === "EADDRINUSE" || cause.code === "EACCES" || cause.code === "EADDRNOTAVAIL" ? "port-in-use" : "internal";
      reject(new HeddleError(code, { where: `${host}:${port}`, detail: cause.message, cause }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

/** Answers just finished are still being written: connections that are idle close now, the others have a moment. */
const LAST_WRITES_MS = 500;

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), LAST_WRITES_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
