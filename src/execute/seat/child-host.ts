import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { HeddleError } from "../../base/heddle-error.ts";
import { compiledEntry } from "../discover/compiled-entry.ts";
import type { HostReport } from "../seat-worker/host-entry.ts";

/** A process of this one's that hosts seats. */
export interface ChildHost {
  readonly pid: number | undefined;
  readonly address: string;
  kill(): void;
  /** Resolves with how it ended and its last words. */
  readonly ended: Promise<string>;
}

/** What is kept of its standard error. Units: characters. */
const STDERR_KEPT = 2_000;

/**
 * Keeps memory of freed tensors for the next ones, up to 256 MiB: fresh pages cost more than the bytes written to them. Measured on messages of
 * 16 MiB: 16 instead of 23 ms of CPU time for both ends. Units: bytes. Source: mallopt(3), whose largest threshold is 32 MiB.
 */
const KEEP_MEMORY = { MALLOC_MMAP_THRESHOLD_: String(2 ** 25), MALLOC_TRIM_THRESHOLD_: String(2 ** 28) };

/** Errors: `host-lost` where it ends before it listens. */
export async function startChildHost(address: string, token: string): Promise<ChildHost> {
  const child = fork(fileURLToPath(compiledEntry("seat-worker/host-entry")), [], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    execArgv: [],
    env: { ...KEEP_MEMORY, ...process.env },
  });
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT);
  });
  child.on("error", () => undefined);
  const ended = new Promise<string>((resolve) => {
    child.once("close", (code, signal) => {
      const how = signal === null ? `it ended with status ${code}` : `it ended by ${signal}`;
      const words = stderr.trim();
      resolve(words === "" ? how : `${how}; its last words: ${words}`);
    });
  });
  const listening = new Promise<void>((resolve, reject) => {
    child.once("message", (report: HostReport) => {
      if (report.type === "listening") resolve();
      else reject(new HeddleError("host-lost", { where: address, detail: report.detail }));
    });
    ended.then((detail) => reject(new HeddleError("host-lost", { where: address, detail })));
  });
  child.send({ listen: address, token }, () => undefined);
  try {
    await listening;
  } catch (thrown) {
    child.kill("SIGKILL");
    throw thrown;
  }
  return { pid: child.pid, address, kill: () => void child.kill("SIGKILL"), ended };
}
