import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { HeddleError } from "../../base/heddle-error.ts";
import { quantile } from "../../base/statistics.ts";
import type { Link } from "../../rack/rack.ts";
import { compiledEntry } from "./compiled-entry.ts";

/** What one transport costs. */
export type LinkFigures = Pick<Link, "via" | "latencyNs" | "bandwidthBytesPerSecond">;

/** A residual stream of one row of a small model; the bulk of a prefill chunk of a large one. Units: bytes. */
const SMALL_BYTES = 4096;
const BULK_BYTES = 8 * 2 ** 20;
const SMALL_ROUNDS = 400;
const BULK_ROUNDS = 9;
const WARM_UP = 50;
/** A transfer without a copy takes no time per byte that could be measured; this much is assumed rather than infinity. */
const BANDWIDTH_MAX = 1e13;

/** Measures the transports between stages and processes: within a thread, between worker threads, between processes. Takes under a second. */
export async function measureLinks(signal: AbortSignal): Promise<readonly LinkFigures[]> {
  return [await sameThread(), await messagePort(signal), await unixSocket(signal)];
}

/** Handing a buffer to the next stage on the same thread: one turn of the microtask queue. */
async function sameThread(): Promise<LinkFigures> {
  const latencyNs = await medianNs(SMALL_ROUNDS, () => Promise.resolve());
  return { via: "same-thread", latencyNs, bandwidthBytesPerSecond: BANDWIDTH_MAX };
}

async function messagePort(signal: AbortSignal): Promise<LinkFigures> {
  const worker = new Worker(compiledEntry("discover/link-echo"), { workerData: "echo" });
  try {
    const roundTrip = async (bytes: number): Promise<void> => {
      const buffer = new ArrayBuffer(bytes);
      const answered = once(worker, "message", { signal });
      worker.postMessage(buffer, [buffer]);
      await answered;
    };
    return await figures("message-port", roundTrip, 2);
  } finally {
    await worker.terminate();
  }
}

async function unixSocket(signal: AbortSignal): Promise<LinkFigures> {
  const folder = mkdtempSync(join(tmpdir(), "heddle-link-"));
  const path = join(folder, "s");
  const child = fork(fileURLToPath(compiledEntry("discover/link-echo")), ["serve", path], { stdio: "ignore", execArgv: [] });
  try {
    await Promise.race([once(child, "message", { signal }), failure(child)]);
    const socket = connect(path);
    await once(socket, "connect", { signal });
    const result = await figures("process", (bytes) => exchange(socket, bytes, signal), 2);
    socket.destroy();
    return result;
  } finally {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

async function failure(child: ReturnType<typeof fork>): Promise<never> {
  const [code] = await once(child, "exit");
  throw new HeddleError("internal", { where: "link measurement", detail: `the other end ended with status ${code}` });
}

async function exchange(socket: Socket, bytes: number, signal: AbortSignal): Promise<void> {
  const message = Buffer.alloc(bytes);
  message.writeUInt32LE(bytes, 0);
  const answered = once(socket, "data", { signal });
  socket.write(message);
  await answered;
}

/** Latency one way from small round trips, bandwidth from what bulk takes beyond it. */
async function figures(via: Link["via"], roundTrip: (bytes: number) => Promise<void>, ways: number): Promise<LinkFigures> {
  for (let i = 0; i < WARM_UP; i++) await roundTrip(SMALL_BYTES);
  const small = await medianNs(SMALL_ROUNDS, () => roundTrip(SMALL_BYTES));
  const bulk = await medianNs(BULK_ROUNDS, () => roundTrip(BULK_BYTES));
  const perByteNs = Math.max(0, bulk - small) / BULK_BYTES;
  return { via, latencyNs: small / ways, bandwidthBytesPerSecond: Math.min(BANDWIDTH_MAX, 1e9 / Math.max(1e-9, perByteNs)) };
}

async function medianNs(rounds: number, action: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await action();
    times.push((performance.now() - start) * 1e6);
  }
  return Math.max(1, Math.round(quantile(times, 0.5)));
}
