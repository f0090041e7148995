import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { HeddleError } from "../../src/base/heddle-error.ts";
import { cacheFolder } from "../../src/execute/model-store/cache-folder.ts";

export const RAY_VERSION = "2.60.0";

/** What Ray's side is asked; times come back in microseconds. */
export interface RayOrder {
  readonly kind: "actor" | "actor-pipelined" | "graph" | "graph-pipelined" | "move" | "graph-move";
  readonly count: number;
  readonly bytes?: number;
}

export interface RaySide {
  readonly version: string;
  times(order: RayOrder): Promise<readonly number[]>;
  each(order: RayOrder): Promise<number>;
  close(): void;
}

/** Errors: `driver-missing` where Python or PyPI cannot be had. */
export function installRay(note: (text: string) => void): string {
  const folder = join(cacheFolder(), "bench", "ray");
  const python = join(folder, "bin", "python");
  const marker = join(folder, "bin", "ray");
  if (existsSync(marker)) return python;
  note(`installing Ray ${RAY_VERSION} into ${folder}`);
  try {
    execFileSync("python3", ["-m", "venv", folder], { stdio: ["ignore", "ignore", "pipe"] });
    execFileSync(python, ["-m", "pip", "install", "--quiet", `ray[cgraph]==${RAY_VERSION}`], { stdio: ["ignore", "ignore", "pipe"] });
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true });
    const detail = `Ray ${RAY_VERSION} from PyPI with python3 -m venv and pip: ${cause instanceof Error ? cause.message.slice(-600) : String(cause)}`;
    throw new HeddleError("driver-missing", { where: "ray", detail, cause });
  }
  return python;
}

/** Starts Ray in a process of its own. Errors: `driver-missing`; `host-lost` where it ends. */
export async function startRay(note: (text: string) => void): Promise<RaySide> {
  const child = spawn(installRay(note), ["bench/seats/ray_side.py"], { stdio: ["pipe", "pipe", "pipe"] });
  const lines = linesOf(child);
  const { ready } = (await lines()) as { readonly ready?: string };
  const ask = async (order: RayOrder): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify(order)}\n`);
    const { value, error } = (await lines()) as { readonly value?: unknown; readonly error?: string };
    if (error !== undefined) throw new HeddleError("device-failed", { where: `ray ${order.kind}`, detail: error });
    return value;
  };
  return {
    version: ready ?? "?",
    times: async (order) => (await ask(order)) as readonly number[],
    each: async (order) => (await ask(order)) as number,
    close: () => child.stdin.end(),
  };
}

/** The lines it answers, one a call. */
function linesOf(child: ChildProcessByStdio<Writable, Readable, Readable>): () => Promise<unknown> {
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-2_000);
  });
  const iterator = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await iterator.next();
    if (done === true) throw new HeddleError("host-lost", { where: "ray", detail: stderr.trim() });
    return JSON.parse(value as string) as unknown;
  };
}
